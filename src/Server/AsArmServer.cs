using System.Net;
using System.Threading.RateLimiting;
using AsArm.Server.Completions;
using AsArm.Server.Configuration;
using AsArm.Server.Fields;
using AsArm.Server.Infilling;
using AsArm.Server.Models;
using AsArm.Server.Ollama;
using AsArm.Server.Page;
using AsArm.Server.Security;
using AsArm.Server.Telemetry;
using Microsoft.AspNetCore.HostFiltering;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.Logging.Console;

namespace AsArm.Server;

/// <summary>The server: it reads requests, calls the library, and writes answers.</summary>
internal static class AsArmServer
{
    private static readonly string[] s_loopbackHosts = ["localhost", "127.0.0.1", "[::1]"];

    /// <summary>Runs the server until it is told to stop.</summary>
    /// <param name="options">The settings.</param>
    /// <param name="started">Is told the address once the server listens.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <exception cref="ServerConfigurationException">A setting is wrong, or the address is not free.</exception>
    public static async Task RunAsync(ServerOptions options, Action<string> started, CancellationToken cancellationToken)
    {
        await using WebApplication app = Build(options);
        try
        {
            await app.StartAsync(cancellationToken);
        }
        catch (IOException error)
        {
            throw new ServerConfigurationException($"Cannot listen on {options.Host}:{options.Port}: {(error.InnerException ?? error).Message}");
        }

        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            ThrowIfModelFailed(app); // before the server had started
            throw;
        }

        started(AddressOf(app));
        await app.WaitForShutdownAsync(cancellationToken);
        ThrowIfModelFailed(app);
    }

    /// <summary>The server, not started yet.</summary>
    /// <param name="options">The settings.</param>
    /// <param name="configure">Changes to its services; null for none.</param>
    /// <exception cref="ServerConfigurationException">A setting is wrong.</exception>
    public static WebApplication Build(ServerOptions options, Action<IServiceCollection>? configure = null)
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions { ContentRootPath = AppContext.BaseDirectory, Args = [] });
        builder.Configuration.Sources.Clear(); // no appsettings.json, no ASPNETCORE_URLS
        Configure(builder, options);
        AddServices(builder.Services, options);
        TelemetryExport.Add(builder, options);
        configure?.Invoke(builder.Services);
        WebApplication app = builder.Build();
        _ = app.Services.GetRequiredService<ModelPool>(); // whose settings are checked
        UseMiddleware(app, options);
        MapEndpoints(app, options);
        return app;
    }

    /// <summary>The first address that a started server listens on.</summary>
    public static string AddressOf(WebApplication app) =>
        app.Services.GetRequiredService<Microsoft.AspNetCore.Hosting.Server.IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();

    private static void ThrowIfModelFailed(WebApplication app)
    {
        if (app.Services.GetRequiredService<ModelWarmUp>().Error is Exception failed)
            throw failed is RequestException ? new ServerConfigurationException((failed.InnerException ?? failed).Message) : failed;
    }

    private static void Configure(WebApplicationBuilder builder, ServerOptions options)
    {
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = options.MaxBodyBytes;
            kestrel.Limits.MaxConcurrentConnections = options.MaxConnections;
            kestrel.Limits.RequestHeadersTimeout = TimeSpan.FromSeconds(15);
            if (options.Host == "*")
                kestrel.ListenAnyIP(options.Port);
            else
                kestrel.Listen(options.Host == "localhost" ? IPAddress.Loopback : IPAddress.Parse(options.Host), options.Port);
        });
        builder.Logging.ClearProviders();
        builder.Logging.AddSimpleConsole(console => console.SingleLine = true);
        builder.Services.Configure<ConsoleLoggerOptions>(console => console.LogToStandardErrorThreshold = LogLevel.Trace); // as the command reports
        builder.Logging.SetMinimumLevel(LogLevel.Warning).AddFilter("AsArm", LogLevel.Information);
        builder.Logging.AddFilter("Microsoft.AspNetCore.Server.Kestrel.BadRequests", LogLevel.None); // quotes malformed headers, and what of a body it takes for a request
    }

    private static void AddServices(IServiceCollection services, ServerOptions options)
    {
        services.AddSingleton(options);
        services.AddSingleton<ModelPool>();
        services.AddSingleton<ApiKeys>();
        services.AddSingleton<ModelWarmUp>();
        services.AddHostedService(provider => provider.GetRequiredService<ModelWarmUp>());
        services.Configure<HostOptions>(host => host.ShutdownTimeout = TimeSpan.FromSeconds(options.ShutdownTimeoutSeconds));
        services.Configure<HostFilteringOptions>(filter => filter.AllowedHosts = [.. AllowedHosts(options)]);
        services.AddCors(cors => cors.AddDefaultPolicy(policy => policy.WithOrigins([.. options.CorsOrigins]).AllowAnyHeader().AllowAnyMethod()));
        services.AddRateLimiter(limiter =>
        {
            limiter.GlobalLimiter = PartitionedRateLimiter.Create<HttpContext, string>(context =>
                context.GetEndpoint()?.Metadata.GetMetadata<FieldList>() is null
                    ? RateLimitPartition.GetNoLimiter("")
                    : RateLimitPartition.GetConcurrencyLimiter(
                        context.RequestServices.GetRequiredService<ApiKeys>().ClientOf(context),
                        _ => new ConcurrencyLimiterOptions { PermitLimit = options.MaxRequestsPerClient, QueueLimit = 0 }));
            limiter.OnRejected = async (rejected, _) => await ErrorHandling.AnswerAsync(
                rejected.HttpContext,
                new RequestException(StatusCodes.Status429TooManyRequests, $"A client may have {options.MaxRequestsPerClient} requests at the same time.", code: "too_many_requests") { RetryAfter = 1 });
        });
    }

    /// <summary>Names of the loopback interface, so that a web page cannot reach it by a name of its own (DNS rebinding).</summary>
    private static IEnumerable<string> AllowedHosts(ServerOptions options)
    {
        bool isLoopback = options.Host == "localhost" || (IPAddress.TryParse(options.Host, out IPAddress? address) && IPAddress.IsLoopback(address));
        return options.AllowedHosts.Count > 0 ? options.AllowedHosts : isLoopback ? s_loopbackHosts : ["*"];
    }

    private static void UseMiddleware(WebApplication app, ServerOptions options)
    {
        ILogger log = app.Services.GetRequiredService<ILoggerFactory>().CreateLogger("AsArm.Server");
        app.UseHostFiltering();
        app.UseRouting();
        ServerInstruments instruments = app.Services.GetRequiredService<ServerInstruments>();
        app.Use((context, next) => RequestMeasurement.InvokeAsync(context, next, instruments));
        app.Use((context, next) => ErrorHandling.InvokeAsync(context, next, log));
        app.UseCors();
        app.Use(async (context, next) =>
        {
            Origins.Require(context.Request, options);
            if (context.GetEndpoint()?.Metadata.GetMetadata<OpenToAll>() is null)
                context.RequestServices.GetRequiredService<ApiKeys>().Require(context.Request);
            await next(context);
            if (context.GetEndpoint() is null && context.Response is { HasStarted: false, StatusCode: StatusCodes.Status404NotFound })
                throw new RequestException(StatusCodes.Status404NotFound, "There is no such path.", "path", "not_found");
            if (context.Response is { HasStarted: false, StatusCode: StatusCodes.Status405MethodNotAllowed })
                throw new RequestException(StatusCodes.Status405MethodNotAllowed, $"The path takes {context.Response.Headers.Allow}.", "method", "method_not_allowed");
        });
        app.Use((context, next) => RequestDeadline.InvokeAsync(context, next, options));
        app.UseRateLimiter();
    }

    private static void MapEndpoints(WebApplication app, ServerOptions options)
    {
        ModelPool models = app.Services.GetRequiredService<ModelPool>();
        var completion = new MeasuredOperation(GenAiConventions.TextCompletion);
        app.MapMethods("/alive", [HttpMethods.Get, HttpMethods.Head], () => Results.Text("alive")).WithMetadata(new OpenToAll());
        app.MapMethods("/health", [HttpMethods.Get, HttpMethods.Head], () => models.IsReady ? Results.Text("ready") : Results.Text("starting", statusCode: StatusCodes.Status503ServiceUnavailable)).WithMetadata(new OpenToAll());
        app.MapGet("/v1/models/{**name}", (HttpContext context, string name) => ModelsEndpoint.HandleAsync(context, models, name));
        app.MapGet("/v1/models", context => ModelsEndpoint.HandleAsync(context, models));
        Post("/v1/completions", CompletionRequest.Fields, context => CompletionsEndpoint.HandleAsync(context, models, options)).WithMetadata(completion);
        Post("/v1/infill", InfillFields.Request, context => Infilling.InfillEndpoint.HandleAsync(context, models, options)).WithMetadata(completion);
        Post("/v1/score", ScoreEndpoint.Fields, context => ScoreEndpoint.HandleAsync(context, models, options)).WithMetadata(new MeasuredOperation(GenAiConventions.Score));
        Post("/v1/candidates", CandidatesEndpoint.Fields, context => CandidatesEndpoint.HandleAsync(context, models, options)).WithMetadata(new MeasuredOperation(GenAiConventions.Candidates));
        Post("/v1/tokenize", TokenizeEndpoint.Fields, context => TokenizeEndpoint.HandleAsync(context, models)); // runs no model
        Post("/infill", LlamaCpp.InfillEndpoint.Fields, context => LlamaCpp.InfillEndpoint.HandleAsync(context, models, options)).WithMetadata(completion);
        Post("/api/generate", GenerateEndpoint.Fields, context => GenerateEndpoint.HandleAsync(context, models, options)).WithMetadata(completion);
        app.MapGet("/api/tags", context => GenerateEndpoint.TagsAsync(context, models));
        app.MapGet("/openapi/v1.json", context => OpenApiDocument.WriteAsync(context, app)).WithMetadata(new OpenToAll());
        TelemetryExport.Map(app, options);
        PageEndpoint.Map(app, page => page.WithMetadata(new OpenToAll()));

        IEndpointConventionBuilder Post(string path, FieldList fields, RequestDelegate handle) => app.MapPost(path, handle).WithMetadata(fields);
    }
}
