using AsArm.Inference.Infilling;

namespace AsArm.Server.Configuration;

/// <summary>The settings of a server: from a file, from the environment, and from the command line. docs/server.md describes them.</summary>
internal sealed class ServerOptions
{
    /// <summary>The address that it listens on: loopback unless told otherwise.</summary>
    public string Host { get; set; } = "127.0.0.1";

    /// <summary>The port; 0 for any that is free.</summary>
    public int Port { get; set; } = 8080;

    /// <summary>The folders of the models, by the names that requests give.</summary>
    public Dictionary<string, string> Models { get; set; } = [];

    /// <summary>The model of requests that name none; it is opened when the server starts. Null for the only or first one.</summary>
    public string? DefaultModel { get; set; }

    /// <summary>The memory that open models may take, by the size of their files; null for no limit. Idle ones are closed for others.</summary>
    public int? MemoryBudgetMb { get; set; }

    /// <summary>The device that runs the networks.</summary>
    public string Device { get; set; } = "cpu";

    /// <summary>Threads of a network on a CPU; null leaves the choice to ONNX Runtime.</summary>
    public int? Threads { get; set; }

    /// <summary>Runs int8 and int4 models in float32.</summary>
    public bool Float32 { get; set; }

    /// <summary>What requests that do not say it optimise.</summary>
    public DraftMode DraftMode { get; set; } = DraftMode.Throughput;

    /// <summary>Requests of a model that wait for their first forward pass; more are refused.</summary>
    public int MaxQueuedRequests { get; set; } = 256;

    /// <summary>Requests of one client, by its key or address, that are answered at the same time; more are refused.</summary>
    public int MaxRequestsPerClient { get; set; } = 64;

    /// <summary>Connections at the same time; more are closed.</summary>
    public int MaxConnections { get; set; } = 4096;

    /// <summary>Seconds after which a request is given up.</summary>
    public double RequestTimeoutSeconds { get; set; } = 120;

    /// <summary>Seconds that requests have to end when the server is told to stop.</summary>
    public double ShutdownTimeoutSeconds { get; set; } = 30;

    /// <summary>Bytes of a body.</summary>
    public int MaxBodyBytes { get; set; } = 1 << 20;

    /// <summary>Tokens that a request may generate in one text.</summary>
    public int MaxTokens { get; set; } = 512;

    /// <summary>Texts that a request may generate: n, best_of, samples, times its prompts.</summary>
    public int MaxSamples { get; set; } = 64;

    /// <summary>The maximum length of gaps of unknown length where a request gives a prompt and a suffix; each length costs forward passes.</summary>
    public int MaxUnknownTokens { get; set; } = 24;

    /// <summary>Keys of clients; with none and no file, everybody may ask.</summary>
    public List<string> ApiKeys { get; set; } = [];

    /// <summary>A file with a key a line; it is read when the server starts.</summary>
    public string? ApiKeyFile { get; set; }

    /// <summary>Origins of web pages that may ask, such as https://example.org; none by default.</summary>
    public List<string> CorsOrigins { get; set; } = [];

    /// <summary>Names by which clients may address the server; by default those of the loopback interface where it listens there, else all.</summary>
    public List<string> AllowedHosts { get; set; } = [];

    /// <summary>Whether folders are looked at for changes, and opened anew, every so many seconds; null for never.</summary>
    public double? ReloadSeconds { get; set; }

    /// <summary>Whether there are metrics for Prometheus at /metrics.</summary>
    public bool Metrics { get; set; }

    /// <summary>The collector that metrics and spans are sent to by OTLP, such as http://127.0.0.1:4318; null for none.</summary>
    public string? OtlpEndpoint { get; set; }

    /// <summary>The time that a request may take.</summary>
    public TimeSpan RequestTimeout => TimeSpan.FromSeconds(RequestTimeoutSeconds);

    /// <summary>The name of the model of requests that name none.</summary>
    public string DefaultName => DefaultModel ?? Models.Keys.First();
}
