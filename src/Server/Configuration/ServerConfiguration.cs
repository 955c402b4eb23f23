using System.Globalization;
using System.Net;
using AsArm.Inference.Devices;
using AsArm.Inference.Gaps;
using AsArm.Inference.Infilling;

namespace AsArm.Server.Configuration;

/// <summary>Reads and checks the settings: of a file, of the environment, and of the command line, of which later ones replace earlier ones (<see cref="SettingSources" />).</summary>
internal static class ServerConfiguration
{
    /// <summary>OpenTelemetry's own variable for the collector, where no setting names one.</summary>
    public const string CollectorVariable = "OTEL_EXPORTER_OTLP_ENDPOINT";

    /// <summary>The settings.</summary>
    /// <param name="file">A JSON file; null for none.</param>
    /// <param name="arguments">Settings of the command line by name, "Models:small" for one of a list.</param>
    /// <param name="defaultModel">The model folder where no model is named.</param>
    /// <exception cref="ServerConfigurationException">A setting is unknown or out of range, or a file cannot be read.</exception>
    public static ServerOptions Read(string? file, IEnumerable<KeyValuePair<string, string?>> arguments, string? defaultModel = null)
    {
        ServerOptions options;
        try
        {
            options = SettingSources.Read(file, arguments).Get<ServerOptions>() ?? new();
        }
        catch (Exception error) when (error is FormatException or ArgumentException or InvalidDataException or InvalidOperationException or IOException or UnauthorizedAccessException)
        {
            throw new ServerConfigurationException(error.InnerException is Exception inner ? $"{error.Message} {inner.Message}" : error.Message);
        }

        if (options.Models.Count == 0 && defaultModel is not null)
            options.Models[Path.GetFileName(defaultModel)] = defaultModel;
        if (options.ApiKeyFile is string keys)
            options.ApiKeys.AddRange(ReadKeys(keys));
        if (string.IsNullOrEmpty(options.OtlpEndpoint))
            options.OtlpEndpoint = Environment.GetEnvironmentVariable(CollectorVariable) is { Length: > 0 } collector ? collector : null;
        Validate(options);
        return options;
    }

    private static string[] ReadKeys(string path)
    {
        try
        {
            Require(path.Length > 0, "ApiKeyFile is empty");
            string[] keys = [.. File.ReadAllLines(path).Select(line => line.Trim()).Where(line => line.Length > 0 && !line.StartsWith('#'))];
            return keys.Length > 0 ? keys : throw new ServerConfigurationException($"ApiKeyFile {path} has no key.");
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new ServerConfigurationException($"ApiKeyFile {path} cannot be read: {error.Message}");
        }
    }

    private static void Validate(ServerOptions options)
    {
        Require(options.Models.Count > 0, "Models is empty: name at least one model folder");
        foreach ((string name, string folder) in options.Models)
        {
            Require(name.Length is > 0 and <= 100 && !name.Any(char.IsControl), $"Models has the name '{name}': it must have 1 to 100 characters");
            Require(Directory.Exists(folder), $"Models:{name} is '{folder}', which is not a folder");
        }

        Require(options.Models.ContainsKey(options.DefaultName), $"DefaultModel is '{options.DefaultModel}', which is not one of Models");
        Require(IPAddress.TryParse(options.Host, out _) || options.Host is "localhost" or "*", $"Host is '{options.Host}': it must be an IP address, localhost, or * for all");
        RequireRange(options.Port, 0, 65535, nameof(options.Port));
        RequireRange(options.MemoryBudgetMb ?? 1, 1, int.MaxValue, nameof(options.MemoryBudgetMb));
        Require(Device.TryParse(options.Device, out _), $"Device is '{options.Device}', which is not a device");
        RequireRange(options.Threads ?? 1, 1, TextInfillerOptions.MaxThreads, nameof(options.Threads));
        Require(Enum.IsDefined(options.DraftMode), $"DraftMode is '{options.DraftMode}', which is not a draft mode");
        RequireRange(options.MaxQueuedRequests, 1, 1_000_000, nameof(options.MaxQueuedRequests));
        RequireRange(options.MaxRequestsPerClient, 1, 1_000_000, nameof(options.MaxRequestsPerClient));
        RequireRange(options.MaxConnections, 1, 1_000_000, nameof(options.MaxConnections));
        RequireRange(options.RequestTimeoutSeconds, 0.001, 1_000_000, nameof(options.RequestTimeoutSeconds));
        RequireRange(options.ShutdownTimeoutSeconds, 0, 1_000_000, nameof(options.ShutdownTimeoutSeconds));
        RequireRange(options.MaxBodyBytes, 1024, 1 << 30, nameof(options.MaxBodyBytes));
        RequireRange(options.MaxTokens, 1, 1_000_000, nameof(options.MaxTokens));
        RequireRange(options.MaxSamples, 1, 10_000, nameof(options.MaxSamples));
        RequireRange(options.MaxUnknownTokens, 1, LengthOptions.MaxLengths, nameof(options.MaxUnknownTokens));
        RequireRange(options.ReloadSeconds ?? 1, 0.01, 1_000_000, nameof(options.ReloadSeconds));
        Require(
            options.OtlpEndpoint is null || (Uri.TryCreate(options.OtlpEndpoint, UriKind.Absolute, out Uri? collector) && collector.Scheme is "http" or "https"),
            $"OtlpEndpoint is '{options.OtlpEndpoint}', which is not an address such as http://127.0.0.1:4318");
        Require(options.ApiKeys.TrueForAll(key => key.Length >= 8), "ApiKeys has a key of less than 8 characters");
        foreach (string origin in options.CorsOrigins)
            Require(Uri.TryCreate(origin, UriKind.Absolute, out Uri? uri) && uri.GetLeftPart(UriPartial.Authority) == origin, $"CorsOrigins has '{origin}', which is not an origin such as https://example.org");
    }

    private static void RequireRange(double value, double minimum, double maximum, string name) =>
        Require(value >= minimum && value <= maximum, string.Create(CultureInfo.InvariantCulture, $"{name} is {value}: it must be from {minimum} to {maximum}"));

    private static void Require(bool condition, string message)
    {
        if (!condition)
            throw new ServerConfigurationException($"{message}.");
    }
}
