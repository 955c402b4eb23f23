using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using AsArm.Server.Tests.Support;

namespace AsArm.Server.Tests;

/// <summary>
/// Requests with wrong, odd and missing values, each by its number alone. None may be answered with 500, crash or hang the server, and each refusal names the field.
/// ASARM_FUZZ_REQUESTS in the environment is how many.
/// </summary>
[TestClass]
public sealed class FuzzTests
{
    private static readonly (string Path, string Body)[] s_bases =
    [
        ("/v1/completions", """{"model": "text", "prompt": "Tom was a", "suffix": " man.", "max_tokens": 2, "temperature": 0.8, "top_p": 0.9, "n": 1, "best_of": 1, "seed": 1, "stream": false, "stop": ["x"], "logprobs": 1, "echo": false, "logit_bias": {"20": 1}}"""),
        ("/v1/completions", """{"prompt": "The <mask:2> dog", "stream": true, "seed": 2}"""),
        ("/v1/completions", """{"prompt": ["a", "b"], "max_tokens": 0, "echo": true, "logprobs": 2}"""),
        ("/infill", """{"input_prefix": "The dog ", "input_suffix": " home.", "prompt": "ran", "n_predict": 2, "top_k": 5, "stop": "x", "stream": false}"""),
        ("/api/generate", """{"model": "text", "prompt": "The dog ", "suffix": " home.", "stream": false, "options": {"num_predict": 2, "seed": 3}}"""),
        ("/v1/infill", """{"text": "A <mask:2> day.", "samples": 2, "seed": 1, "sampler": "fused", "order": "random", "temperature": 1, "top_k": 9, "top_p": 0.5, "draft_length": 2, "gap_spacing": "model", "window": true, "scores": true}"""),
        ("/v1/infill", """{"segments": [{"text": "A "}, {"gap": {"min_tokens": 1, "max_tokens": 2}}, {"text": " day."}], "id": 5, "stream": true}"""),
        ("/v1/score", """{"text": "The [[dog]] ran.", "top": 2, "window": false}"""),
        ("/v1/candidates", """{"text": "The <mask> ran.", "count": 3, "temperature": 0.5}"""),
        ("/v1/tokenize", """{"text": "The <mask:3> ran.", "pieces": true}"""),
    ];

    private static readonly string[] s_values =
    [
        "null", "true", "false", "0", "1", "-1", "2", "0.5", "1e308", "-1e400", "1e-320", "9223372036854775807", "9223372036854775808", "99999999999999999999", "[]", "{}", "[[]]", "[1, 2]",
        "[\"a\"]", "[null]", "{\"a\": 1}", "\"\"", "\"a\"", "\" \"", "\"<mask>\"", "\"<mask:3>\"", "\"<mask:9999>\"", "\"<mask:1-2>\"", "\"<mask:*>\"", "\"<mask:/[a-z]+/>\"", "\"<mask:\\\"x|y\\\">\"", "\"<mask\"", "\"parallel\"", "\"random\"",
        "\"[[a]]\"", "\"[[\"", "\"\\ud800\"", "\"\\u0000\"", "\"\\uD83D\\uDE00 \\u0301\"", "\"\\uFFFF\\u202E\"", "\"\u3000\u00A0\\t\\n\"", "[{\"text\": \"a\"}, {\"gap\": 1}]", "[{\"gap\": {\"choices\": [\"a\", \"b\"]}}]", "[{\"span\": \"a\"}]",
        "[{\"gap\": {\"pattern\": \"(\"}}]", "[{\"gap\": {\"name\": \"x\", \"tokens\": 1}}]", "{\"5\": 1, \"6\": -100}", "{\"-1\": 1}", "{\"5\": null}",
    ];

    private static readonly string[] s_names =
        ["prompt", "text", "segments", "suffix", "max_tokens", "n", "best_of", "logprobs", "echo", "stop", "stream", "seed", "temperature", "samples", "order", "window", "id", "top", "count", "options", "user", "unknown", "", "\\u0000", "n_predict", "input_suffix"];

    [TestMethod]
    public async Task RandomRequests_AreAnsweredOrRefusedByName()
    {
        int count = int.Parse(Environment.GetEnvironmentVariable("ASARM_FUZZ_REQUESTS") ?? "300", CultureInfo.InvariantCulture);
        int[] outcomes = new int[600];
        await Parallel.ForAsync(0, count, new ParallelOptions { MaxDegreeOfParallelism = 8 }, async (number, cancellationToken) =>
        {
            (string path, byte[] body) = RequestOf(number);
            using var content = new ByteArrayContent(body);
            using HttpResponseMessage response = await SharedServer.Instance.Client.PostAsync(path, content, cancellationToken);
            string answer = await response.Content.ReadAsStringAsync(cancellationToken);
            string what = $"Request {number}: {path} {Encoding.UTF8.GetString(body)}\n{(int)response.StatusCode} {answer}";
            Assert.IsLessThan(500, (int)response.StatusCode, what);
            Assert.DoesNotContain("internal_error", answer, what);
            Interlocked.Increment(ref outcomes[(int)response.StatusCode]);
            if (response.StatusCode != HttpStatusCode.OK)
                AssertNamed(path, answer, what);
        });
        Assert.IsGreaterThan(count / 20, outcomes[200], "Hardly any was accepted.");
        Assert.IsGreaterThan(count / 5, outcomes[400], "Hardly any was refused.");
        Assert.AreEqual("ready", await SharedServer.Instance.Client.GetStringAsync("/health"));
    }

    /// <summary>Connections that end within a request, or say what is no HTTP, do no harm.</summary>
    [TestMethod]
    public async Task PartialRequests_DoNoHarm()
    {
        Uri address = SharedServer.Instance.Client.BaseAddress!;
        string head = $"POST /v1/completions HTTP/1.1\r\nHost: {address.Authority}\r\nContent-Type: application/json\r\n";
        string[] starts =
        [
            "", "POST", "\0\0\0\r\n\r\n", head, head + "Content-Length: 100\r\n\r\n{\"prompt\":", head + "Content-Length: -1\r\n\r\n", head + "Transfer-Encoding: chunked\r\n\r\n5\r\n{\"pro", head + "Transfer-Encoding: chunked\r\n\r\nzz\r\n",
            head + "Content-Length: 99999999999\r\n\r\n", head + new string('a', 40_000) + "\r\n\r\n",
        ];
        foreach (string start in starts)
        {
            using var client = new TcpClient();
            await client.ConnectAsync(address.Host, address.Port);
            await client.GetStream().WriteAsync(Encoding.Latin1.GetBytes(start));
        }

        await SharedServer.Instance.PostAsync("/v1/completions", new { prompt = "a", max_tokens = 1 });
    }

    private static void AssertNamed(string path, string answer, string what)
    {
        JsonElement error = JsonElement.Parse(answer).GetProperty("error");
        if (path.StartsWith("/api", StringComparison.Ordinal))
            Assert.MatchesRegex("\".*\"|body|text", error.GetString()!, what);
        else
            Assert.IsNotNull(error.GetProperty("param").GetString(), what);
    }

    private static (string Path, byte[] Body) RequestOf(int number)
    {
        var random = new Random(number);
        (string path, string text) = s_bases[random.Next(s_bases.Length)];
        List<KeyValuePair<string, string>> fields = [.. JsonNode.Parse(text)!.AsObject().Select(field => KeyValuePair.Create(field.Key, field.Value!.ToJsonString()))];
        for (int changes = random.Next(4); changes > 0; changes--)
            Change(fields, random);
        string body = "{" + string.Join(", ", fields.Select(field => $"\"{field.Key}\": {field.Value}")) + "}";
        byte[] bytes = Encoding.UTF8.GetBytes(body);
        return (path, random.Next(12) switch
        {
            0 => bytes[..random.Next(bytes.Length)],
            1 => [.. bytes.Select(one => random.Next(40) == 0 ? (byte)random.Next(256) : one)],
            _ => bytes,
        });
    }

    private static void Change(List<KeyValuePair<string, string>> fields, Random random)
    {
        int at = random.Next(fields.Count);
        string value = random.Next(15) == 0 ? $"\"{new string((char)random.Next('!', '~'), random.Next(3000)).Replace("\\", "", StringComparison.Ordinal).Replace("\"", "", StringComparison.Ordinal)}\"" : s_values[random.Next(s_values.Length)];
        switch (random.Next(4))
        {
            case 0 when fields.Count > 1:
                fields.RemoveAt(at);
                break;
            case 1:
                fields.Add(KeyValuePair.Create(s_names[random.Next(s_names.Length)], value));
                break;
            default:
                fields[at] = KeyValuePair.Create(fields[at].Key, value);
                break;
        }
    }
}
