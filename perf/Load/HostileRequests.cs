using System.Text;

namespace AsArm.Perf.Load;

/// <summary>Requests that have to be refused with a status of 4xx or by closing the connection.</summary>
internal static class HostileRequests
{
    private const int TooLarge = 2 << 20;
    private const string Head = "POST /v1/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n";

    private static readonly string[] s_bodies =
    [
        "", "{", "null", "[]", "3", "{\"prompt\": \"a\",}", "{\"prompt\": \"a\"} x", "{\"prompt\": \"a\", \"prompt\": \"b\"}", "{\"prompt\": \"\\ud800\"}", "{\"\\ud800\": 1}", new string('[', 10_000), "{\"prompt\": " + new string('[', 5_000) + "}",
        "{\"prompt\": 5}", "{\"prompt\": {}}", "{\"prompt\": [[[1]]]}", "{\"prompt\": [-1]}", "{\"prompt\": [99999999]}", "{\"prompt\": \"a\", \"unknown\": 1}", "{\"prompt\": \"a\", \"stream\": \"yes\"}", "{\"prompt\": \"a\", \"model\": \"../../etc/passwd\"}",
        "{\"prompt\": \"a\", \"max_tokens\": 1e308}", "{\"prompt\": \"a\", \"max_tokens\": -1}", "{\"prompt\": \"a\", \"max_tokens\": 2147483648}", "{\"prompt\": \"a\", \"seed\": 99999999999999999999}", "{\"prompt\": \"a\", \"temperature\": -1e400}",
        "{\"prompt\": \"a\", \"temperature\": 1e400}", "{\"prompt\": \"a\", \"top_p\": 0}", "{\"prompt\": \"a\", \"n\": 1000000000}", "{\"prompt\": \"a\", \"n\": 64, \"best_of\": 1000000}", "{\"prompt\": \"a\", \"logit_bias\": {\"99999999\": 1}}",
        "{\"prompt\": \"a\", \"logit_bias\": {\"5\": 1e300}}", "{\"prompt\": \"<mask:999999999999>\"}", "{\"prompt\": \"<mask:/(/>\"}", "{\"prompt\": \"<mask:1-64#x> <mask:3>\", \"markup\": 7}",
    ];

    private static readonly string[] s_infillBodies =
    [
        "{\"text\": \"no gap\"}", "{\"text\": 1}", "{\"text\": \"<mask:99999999>\"}", "{\"text\": \"<mask:/((a+)+)+$^/>\"}", "{\"text\": \"<mask:/(a{500}){500}/>\"}", "{\"text\": \"<mask:1-9999>\"}", "{\"segments\": [{\"gap\": -1}]}", "{\"segments\": [{\"text\": \"a\"}]}",
        "{\"text\": \"<mask>\", \"samples\": 1e9}", "{\"text\": \"<mask>\", \"particles\": 100000000}", "{\"text\": \"<mask>\", \"draft_length\": 0}", "{\"text\": \"<mask>\", \"order\": \"sideways\"}", "{\"text\": \"<mask>\", \"length_prior\": \"given:1e999\"}",
    ];

    private static readonly HostileRequest[] s_all = [.. Create()];

    public static int Count => s_all.Length;

    /// <summary>One of them.</summary>
    public static HostileRequest Get(int index) => s_all[index];

    private static IEnumerable<HostileRequest> Create()
    {
        foreach (string body in s_bodies)
            yield return HostileRequest.Post($"completion {Shown(body)}", "/v1/completions", body);
        foreach (string body in s_infillBodies)
            yield return HostileRequest.Post($"infill {Shown(body)}", "/v1/infill", body);
        yield return HostileRequest.Post("bytes that are no UTF-8", "/v1/score", [(byte)'{', (byte)'"', 0xFF, 0xFE, 0xC0, 0x80, (byte)'"', (byte)'}']);
        yield return HostileRequest.Post("NUL", "/infill", "{\"input_prefix\": \"a\", \"n_predict\": \0}");
        yield return HostileRequest.Post("a body that is too large", "/v1/completions", Encoding.UTF8.GetBytes($"{{\"prompt\": \"{new string('a', TooLarge)}\"}}"));
        yield return HostileRequest.Post("a text that is too long", "/v1/completions", $"{{\"prompt\": \"{string.Concat(Enumerable.Repeat("word ", 100_000))}\"}}");
        yield return HostileRequest.Post("no such path", "/v1/chat/completions", "{}");
        yield return HostileRequest.Post("a path of the file system", "/v1/models/../../../etc/passwd", "{}");
        yield return HostileRequest.Post("another origin", "/v1/completions", "{\"prompt\": \"a\"}", "Origin: http://example.org\r\n");
        yield return new("another method", "GET /v1/completions HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"u8.ToArray());
        yield return new("another host", "GET /v1/models HTTP/1.1\r\nHost: example.org\r\n\r\n"u8.ToArray());
        yield return new("no HTTP", "\0\u0001\u0002 nonsense\r\n\r\n"u8.ToArray());
        yield return Raw("a length below zero", Head + "Content-Length: -1\r\n\r\n");
        yield return Raw("two lengths", Head + "Content-Length: 5\r\nContent-Length: 7\r\n\r\n{\"a\":");
        yield return Raw("a length beyond all limits", Head + "Content-Length: 99999999999999999999\r\n\r\n");
        yield return Raw("a chunk without a length", Head + "Transfer-Encoding: chunked\r\n\r\nzz\r\n");
        yield return Raw("a long header", Head + new string('a', 40_000) + "\r\n\r\n");
        yield return Raw("half a head", "POST /v1/comp", isWhole: false);
        yield return Raw("half a body", Head + "Content-Length: 100\r\n\r\n{\"prompt\": \"a", isWhole: false);
        yield return Raw("half a chunk", Head + "Transfer-Encoding: chunked\r\n\r\n50\r\n{\"prompt\": \"a", isWhole: false);
    }

    private static HostileRequest Raw(string name, string text, bool isWhole = true) => new(name, Encoding.Latin1.GetBytes(text), isWhole);

    private static string Shown(string body) => body.Length <= 60 ? body : body[..60] + "...";
}
