using System.Collections.Concurrent;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text;
using AsArm.Server.Configuration;
using AsArm.Server.Models;
using AsArm.Server.Tests.Support;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace AsArm.Server.Tests;

/// <summary>No log message of any level has the text of a request, or a key.</summary>
[TestClass]
public sealed class LogTests
{
    private const string Word = "Zanzibarian", Key = "key-of-this-test";

    [TestMethod]
    public async Task Logs_OfAllLevels_HaveNoTextAndNoKey()
    {
        var log = new AllMessages();
        await AskAsync(log, _ => { });
        Assert.IsTrue(log.Messages.Any(message => message.Contains("Request starting", StringComparison.Ordinal)), "Nothing of the framework was logged.");
        Assert.IsTrue(log.Messages.Any(message => message.Contains("/v1/completions failed with System.ArithmeticException", StringComparison.Ordinal)), "The failure was not logged.");
        Assert.IsEmpty(log.Messages.Where(message => message.Contains(Word, StringComparison.OrdinalIgnoreCase) || message.Contains(Key, StringComparison.OrdinalIgnoreCase)));
    }

    /// <summary>A server that logs bodies would be noticed.</summary>
    [TestMethod]
    public async Task Logs_OfBodies_AreNoticed()
    {
        var log = new AllMessages();
        await AskAsync(log, services => services.AddSingleton<IStartupFilter>(new BodyLogging(log)));
        Assert.IsTrue(log.Messages.Any(message => message.Contains(Word, StringComparison.Ordinal)));
    }

    /// <summary>Requests that succeed, are refused, are malformed, and fail, with the word in their texts.</summary>
    private static async Task AskAsync(AllMessages log, Action<IServiceCollection> configure)
    {
        ServerOptions options = RunningServer.Options();
        options.ApiKeys = [Key];
        options.Models["failing"] = RunningServer.ModelFolder;
        var opener = new ModelOpener(options);
        await using RunningServer server = await RunningServer.StartAsync(options, services =>
        {
            services.AddLogging(logging => logging.AddProvider(log).AddFilter("*", LogLevel.Trace).AddFilter("AsArm", LogLevel.Trace));
            services.AddSingleton(new ModelPool(options, NullLogger<ModelPool>.Instance, (name, folder, cancellationToken) =>
                name == "failing" ? throw new ArithmeticException($"A defect with {Word}.") : opener.OpenAsync(name, folder, cancellationToken)));
            configure(services);
        });
        server.Client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", Key);
        await server.PostAsync("/v1/completions", new { prompt = $"The {Word} was ", max_tokens = 3, user = Word });
        await server.StreamAsync("/v1/infill", new { text = $"The {Word} was <mask:3>.", stream = true });
        await server.PostAsync("/v1/score", new { text = $"The [[{Word}]] was here." });
        await server.RefuseAsync("/v1/completions", new { prompt = $"The {Word} was ", stop = Word, temperature = -1 });
        await server.RefuseAsync("/v1/completions", new { model = Word, prompt = $"The {Word} was " }, HttpStatusCode.NotFound);
        await server.RefuseAsync("/v1/completions", $"{{\"{Word}\": {Word}");
        await server.RefuseAsync("/v1/completions", new { model = "failing", prompt = $"The {Word} was " }, HttpStatusCode.InternalServerError);
        server.Client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", Key + Word);
        await server.RefuseAsync("/v1/completions", new { prompt = $"The {Word} was " }, HttpStatusCode.Unauthorized);
        await MalformedAsync(server, $"POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {Key}\r\nContent-Length: 2\r\n\r\n{{}}{{\"prompt\": \"The {Word} was \"}}\r\n\r\n");
        await MalformedAsync(server, $"POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nAuthorization Bearer {Key}\r\n\r\n");
        await MalformedAsync(server, $"POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {Key}\r\nTransfer-Encoding: chunked\r\n\r\n{Word}\r\n");
    }

    /// <summary>Sends bytes, and waits until the server has closed the connection.</summary>
    private static async Task MalformedAsync(RunningServer server, string request)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(server.Client.BaseAddress!.Host, server.Client.BaseAddress.Port);
        NetworkStream stream = client.GetStream();
        await stream.WriteAsync(Encoding.Latin1.GetBytes(request));
        client.Client.Shutdown(SocketShutdown.Send);
        byte[] buffer = new byte[4096];
        try
        {
            while (await stream.ReadAsync(buffer) > 0)
            {
            }
        }
        catch (IOException)
        {
            // It was reset.
        }
    }

    private sealed class AllMessages : ILoggerProvider, ILogger
    {
        public ConcurrentQueue<string> Messages { get; } = [];

        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull
        {
            Messages.Enqueue(state.ToString() ?? "");
            return null;
        }

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            string fields = state is IEnumerable<KeyValuePair<string, object?>> pairs ? string.Join(", ", pairs) : "";
            Messages.Enqueue($"{logLevel} {eventId}: {formatter(state, exception)} {fields} {exception}");
        }

        public void Dispose()
        {
        }
    }

    private sealed class BodyLogging(ILogger log) : IStartupFilter
    {
        public Action<IApplicationBuilder> Configure(Action<IApplicationBuilder> next) => app =>
        {
            app.Use(async (HttpContext context, RequestDelegate rest) =>
            {
                context.Request.EnableBuffering();
                using var reader = new StreamReader(context.Request.Body, leaveOpen: true);
                string text = await reader.ReadToEndAsync();
                log.Log(LogLevel.Trace, default, text, null, (body, _) => body);
                context.Request.Body.Position = 0;
                await rest(context);
            });
            next(app);
        };
    }
}
