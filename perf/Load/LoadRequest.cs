using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;

namespace AsArm.Perf.Load;

/// <summary>A request that has to be answered.</summary>
/// <param name="Kind">A few words.</param>
/// <param name="Path">The endpoint.</param>
/// <param name="Body">What is sent.</param>
/// <param name="Form">How it is answered.</param>
internal sealed record LoadRequest(string Kind, string Path, string Body, AnswerForm Form)
{
    public LoadRequest(string kind, string path, object body, AnswerForm form = AnswerForm.Whole)
        : this(kind, path, JsonSerializer.Serialize(body), form)
    {
    }

    /// <summary>Sends it and reads the whole answer.</summary>
    /// <exception cref="HttpRequestException">The connection failed.</exception>
    public async Task<(int Status, bool HasRetryAfter, string Answer)> SendAsync(HttpClient client, CancellationToken cancellationToken = default)
    {
        using var content = new ByteArrayContent(Encoding.UTF8.GetBytes(Body));
        content.Headers.ContentType = new MediaTypeHeaderValue(Form == AnswerForm.Lines ? "application/x-ndjson" : "application/json");
        using var request = new HttpRequestMessage(HttpMethod.Post, Path) { Content = content };
        using HttpResponseMessage response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
        return ((int)response.StatusCode, response.Headers.RetryAfter is not null, await response.Content.ReadAsStringAsync(cancellationToken));
    }
}
