using System.Reflection;
using AsArm.Inference.Telemetry;
using AsArm.Server.Configuration;
using OpenTelemetry;
using OpenTelemetry.Exporter;
using OpenTelemetry.Instrumentation.AspNetCore;
using OpenTelemetry.Logs;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace AsArm.Server.Telemetry;

/// <summary>Hands metrics and spans to OpenTelemetry: metrics to Prometheus, which asks for them, and both to a collector by OTLP. Off unless a setting asks for it.</summary>
internal static class TelemetryExport
{
    /// <summary>Where Prometheus finds the metrics.</summary>
    public const string MetricsPath = "/metrics";

    private const string VariablePrefix = "OTEL_"; // of OpenTelemetry's own variables

    private const string ServiceName = "asarm", ProtocolVariable = "OTEL_EXPORTER_OTLP_PROTOCOL", Grpc = "grpc";

    private static readonly string[] s_meters = [InfillTelemetry.Name, ServerInstruments.MeterName, "Microsoft.AspNetCore.Hosting", "Microsoft.AspNetCore.Server.Kestrel", "System.Runtime"];

    /// <summary>Paths of which there are no spans: they are asked for all the time.</summary>
    private static readonly string[] s_untraced = [MetricsPath, "/alive", "/health"];

    /// <summary>Adds the exporters.</summary>
    public static void Add(WebApplicationBuilder builder, ServerOptions options)
    {
        builder.Services.AddSingleton<ServerInstruments>();
        if (!options.Metrics && options.OtlpEndpoint is null)
            return;
        builder.Configuration.AddInMemoryCollection(Variables());
        OpenTelemetryBuilder telemetry = builder.Services.AddOpenTelemetry().ConfigureResource(Describe).WithMetrics(metrics =>
        {
            metrics.AddMeter(s_meters);
            if (options.Metrics)
                metrics.AddPrometheusExporter(prometheus => prometheus.ScrapeResponseCacheDurationMilliseconds = 0);
        });
        if (options.OtlpEndpoint is not string endpoint)
            return;
        builder.Logging.AddFilter<OpenTelemetryLoggerProvider>((string?)null, LogLevel.None); // UseOtlpExporter would export logs as well
        telemetry.WithTracing(tracing => tracing.AddSource(InfillTelemetry.Name).AddAspNetCoreInstrumentation(Trace));
        bool isGrpc = string.Equals(builder.Configuration[ProtocolVariable], Grpc, StringComparison.OrdinalIgnoreCase);
        telemetry.UseOtlpExporter(isGrpc ? OtlpExportProtocol.Grpc : OtlpExportProtocol.HttpProtobuf, new Uri(endpoint));
    }

    /// <summary>Maps the path for Prometheus, if it is asked for. It asks for a key as others do.</summary>
    public static void Map(WebApplication app, ServerOptions options)
    {
        if (options.Metrics)
            app.MapPrometheusScrapingEndpoint(MetricsPath);
    }

    /// <summary>Variables that OpenTelemetry reads, such as OTEL_SERVICE_NAME; no others, as those could be settings of ASP.NET Core.</summary>
    private static IEnumerable<KeyValuePair<string, string?>> Variables() => Environment.GetEnvironmentVariables().Cast<System.Collections.DictionaryEntry>()
        .Where(variable => ((string)variable.Key).StartsWith(VariablePrefix, StringComparison.Ordinal))
        .Select(variable => KeyValuePair.Create((string)variable.Key, (string?)variable.Value));

    /// <summary>The name and version of the service; variables come before them.</summary>
    private static void Describe(ResourceBuilder resource) => resource
        .AddService(ServiceName, serviceVersion: typeof(TelemetryExport).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion.Split('+')[0])
        .AddEnvironmentVariableDetector();

    /// <summary>Spans of requests, with the route that they took in place of what a client has written.</summary>
    private static void Trace(AspNetCoreTraceInstrumentationOptions options)
    {
        options.Filter = context => !s_untraced.Contains(context.Request.Path.Value);
        options.EnrichWithHttpRequest = (activity, _) => activity.TraceStateString = null; // before there are spans below it
        options.EnrichWithHttpResponse = (activity, response) =>
        {
            activity.SetTag("url.path", (response.HttpContext.GetEndpoint() as RouteEndpoint)?.RoutePattern.RawText);
            activity.SetTag("url.query", null);
            activity.SetTag("http.request.method_original", null);
            activity.SetTag("user_agent.original", null);
        };
    }
}
