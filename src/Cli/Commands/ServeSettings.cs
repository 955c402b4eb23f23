using System.CommandLine;
using System.Globalization;
using AsArm.Cli.Options;

namespace AsArm.Cli.Commands;

/// <summary>The options of asarm serve that are settings of the server, by the names of docs/server.md.</summary>
internal sealed class ServeSettings
{
    private readonly List<(Option Option, Func<ParseResult, IEnumerable<KeyValuePair<string, string?>>> Read)> _options = [];

    public ServeSettings()
    {
        Add("--host", "ADDRESS", "Host", "Address to listen on; * for all (default 127.0.0.1, for this machine only)");
        Number("--port", "N", "Port", "Port; 0 for any that is free (default 8080)");
        Add("--device", "cpu|cuda|tensorrt|PROVIDER", "Device", "Where the networks run (default cpu)");
        Number("--threads", "N", "Threads", "Threads on a CPU (default: one per core)");
        Flag("--float32", "Float32", "Compute int8 and int4 models in float32");
        Number("--memory-budget", "MB", "MemoryBudgetMb", "What the files of open models may take; idle models are closed for others (default: no limit)");
        List("--api-key", "KEY", "ApiKeys", "A key that clients have to send; several are given one by one. Others can see it in the list of processes: --api-key-file or the environment are better");
        Add("--api-key-file", "FILE", "ApiKeyFile", "A file with a key a line");
        List("--cors-origin", "ORIGIN", "CorsOrigins", "Origin of web pages that may ask, such as https://example.org; several are given one by one (default: none)");
        Number("--max-queue", "N", "MaxQueuedRequests", "Requests that wait for their first forward pass; further ones are refused (default 256)");
        Number("--request-timeout", "SECONDS", "RequestTimeoutSeconds", "Time after which a request is given up (default 120)");
        Number("--shutdown-timeout", "SECONDS", "ShutdownTimeoutSeconds", "Time that requests have to end when the server stops (default 30)");
        Flag("--metrics", "Metrics", "Answer Prometheus at /metrics; it asks for a key as other paths do");
        Add("--otlp", "URL", "OtlpEndpoint", "Send metrics and traces to this OpenTelemetry collector, such as http://127.0.0.1:4318 (default: that of OTEL_EXPORTER_OTLP_ENDPOINT, if it is set)");
        Number("--reload", "SECONDS", "ReloadSeconds", "Look at the model folders that often, and open changed ones anew (default: never)");
    }

    /// <summary>The options of the command line.</summary>
    public IEnumerable<Option> Options => _options.Select(one => one.Option);

    /// <summary>The settings that were given.</summary>
    public IEnumerable<KeyValuePair<string, string?>> Of(ParseResult parsed) => _options.SelectMany(one => one.Read(parsed));

    private void Add(string name, string help, string setting, string description)
    {
        Option<string?> option = CommonOptions.Path(name, help, description);
        _options.Add((option, parsed => parsed.GetValue(option) is string value ? [KeyValuePair.Create<string, string?>(setting, value)] : []));
    }

    private void Number(string name, string help, string setting, string description)
    {
        Option<double?> option = CommonOptions.OptionalNumber<double>(name, help, description, double.IsFinite, "a number");
        _options.Add((option, parsed => parsed.GetValue(option) is double value ? [KeyValuePair.Create<string, string?>(setting, value.ToString("R", CultureInfo.InvariantCulture))] : []));
    }

    private void Flag(string name, string setting, string description)
    {
        var option = new Option<bool>(name) { Arity = ArgumentArity.Zero, Description = description };
        _options.Add((option, parsed => parsed.GetValue(option) ? [KeyValuePair.Create<string, string?>(setting, "true")] : []));
    }

    private void List(string name, string help, string setting, string description)
    {
        var option = new Option<string[]>(name) { Description = description, HelpName = help };
        _options.Add((option, parsed => (parsed.GetValue(option) ?? []).Select((value, i) => KeyValuePair.Create<string, string?>($"{setting}:{i}", value))));
    }
}
