using System.Collections.Concurrent;
using System.Net;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace AsArm.Server.Tests.Support;

/// <summary>Takes what is sent by OTLP over HTTP, and keeps the bytes.</summary>
internal sealed class OtlpReceiver : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly ConcurrentQueue<(string Path, string? Type, byte[] Body)> _posts = [];

    private OtlpReceiver(WebApplication app) => _app = app;

    public string Address => AsArmServer.AddressOf(_app);

    /// <summary>What was received.</summary>
    public IReadOnlyCollection<(string Path, string? Type, byte[] Body)> Posts => _posts;

    public static async Task<OtlpReceiver> StartAsync()
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        builder.Logging.ClearProviders();
        var receiver = new OtlpReceiver(builder.Build());
        receiver._app.MapPost("/{**path}", receiver.TakeAsync);
        await receiver._app.StartAsync();
        return receiver;
    }

    /// <summary>What stands around a text in what was received; empty if it is nowhere. Protocol Buffers hold texts as they are, in UTF-8.</summary>
    public string Around(string text)
    {
        foreach (string body in _posts.Select(post => Encoding.Latin1.GetString(post.Body)))
        {
            int at = body.IndexOf(text, StringComparison.OrdinalIgnoreCase);
            if (at >= 0)
                return body[Math.Max(0, at - 100)..Math.Min(body.Length, at + text.Length + 100)];
        }

        return "";
    }

    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync();
        await _app.DisposeAsync();
    }

    private async Task TakeAsync(HttpContext context)
    {
        using var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body);
        _posts.Enqueue((context.Request.Path.Value!, context.Request.ContentType, body.ToArray()));
        context.Response.ContentType = "application/x-protobuf";
    }
}
