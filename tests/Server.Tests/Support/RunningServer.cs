using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using AsArm.Assd.Tests.Support;
using AsArm.Server.Configuration;
using AsArm.Server.Models;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;

namespace AsArm.Server.Tests.Support;

/// <summary>A server on a free port of the loopback interface, with a small model, and a client.</summary>
internal sealed class RunningServer : IAsyncDisposable
{
    /// <summary>The name of the model.</summary>
    public const string ModelName = "text";

    private RunningServer(WebApplication app)
    {
        App = app;
        Client = new HttpClient { BaseAddress = new Uri(AsArmServer.AddressOf(app)), Timeout = TimeSpan.FromMinutes(3) };
    }

    /// <summary>A folder with a model of 128 tokens and a tokenizer.</summary>
    public static string ModelFolder { get; } = Path.Combine(AppContext.BaseDirectory, "models", "text");

    public WebApplication App { get; }

    public HttpClient Client { get; }

    /// <summary>Settings for tests.</summary>
    public static ServerOptions Options() => new() { Port = 0, Models = { [ModelName] = ModelFolder }, MaxTokens = 100, MaxSamples = 8, Float32 = true };

    /// <summary>Settings for tests, with a model folder of its own: its name tells its measurements from those of other servers of the process.</summary>
    public static ServerOptions Options(TemporaryFolder folder)
    {
        ServerOptions options = Options();
        options.Models = new() { [ModelName] = folder.Path };
        return options;
    }

    /// <param name="options">The settings; null for those of <see cref="Options()" />.</param>
    /// <param name="configure">Changes to its services.</param>
    public static async Task<RunningServer> StartAsync(ServerOptions? options = null, Action<IServiceCollection>? configure = null)
    {
        WebApplication app = AsArmServer.Build(options ?? Options(), configure);
        await app.StartAsync();
        return new RunningServer(app);
    }

    /// <summary>Waits until so many use the model, a <see cref="ModelGate" /> among them.</summary>
    public async Task WaitForUsersAsync(int count)
    {
        ModelPool models = App.Services.GetRequiredService<ModelPool>();
        await Polling.UntilAsync(() => models.UsersOf(ModelName) == count, $"{count} users of the model, there are {models.UsersOf(ModelName)}");
    }

    /// <summary>The model, for what is expected of it.</summary>
    public async Task<ModelLease> RentAsync() => await App.Services.GetRequiredService<ModelPool>().RentAsync(null, CancellationToken.None);

    /// <summary>The answer to a body that has to be accepted.</summary>
    public async Task<JsonElement> PostAsync(string path, object body)
    {
        (HttpStatusCode status, JsonElement answer) = await SendAsync(path, JsonSerializer.Serialize(body));
        Assert.AreEqual(HttpStatusCode.OK, status, answer.ToString());
        return answer;
    }

    /// <summary>The error of a body that has to be refused.</summary>
    public async Task<JsonElement> RefuseAsync(string path, object body, HttpStatusCode expected = HttpStatusCode.BadRequest)
    {
        (HttpStatusCode status, JsonElement answer) = await SendAsync(path, body as string ?? JsonSerializer.Serialize(body));
        Assert.AreEqual(expected, status, answer.ToString());
        return answer.GetProperty("error");
    }

    /// <summary>Status and JSON of any answer.</summary>
    public async Task<(HttpStatusCode Status, JsonElement Answer)> SendAsync(string path, string body)
    {
        using var content = new StringContent(body, Encoding.UTF8, "application/json");
        using HttpResponseMessage response = await Client.PostAsync(path, content);
        return (response.StatusCode, await response.Content.ReadFromJsonAsync<JsonElement>());
    }

    /// <summary>The data of all events of a stream, or its lines.</summary>
    public async Task<List<string>> StreamAsync(string path, object body, string? accept = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = JsonContent.Create(body) };
        if (accept is not null)
            request.Headers.Add("Accept", accept);
        using HttpResponseMessage response = await Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        string text = await response.Content.ReadAsStringAsync();
        Assert.AreEqual(HttpStatusCode.OK, response.StatusCode, text);
        bool isEvents = response.Content.Headers.ContentType?.MediaType == "text/event-stream";
        return isEvents
            ? [.. text.Split("\n\n", StringSplitOptions.RemoveEmptyEntries).Select(one => one["data: ".Length..])]
            : [.. text.Split('\n', StringSplitOptions.RemoveEmptyEntries)];
    }

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await App.StopAsync();
        await App.DisposeAsync();
    }
}
