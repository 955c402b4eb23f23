using System.CommandLine;
using AsArm.Cli.Options;
using AsArm.Cli.Streams;
using AsArm.Server;
using AsArm.Server.Configuration;

namespace AsArm.Cli.Commands;

/// <summary>asarm serve: the model over HTTP. Only this command loads ASP.NET Core.</summary>
internal static class ServeCommand
{
    /// <summary>Its name.</summary>
    public const string Name = "serve";

    public static Command Create()
    {
        var command = new Command(Name, "Answer requests over HTTP, as OpenAI's, llama.cpp's and Ollama's clients send them");
        var models = new Option<string[]>("--model")
        {
            Description = "Model folder, or NAME=DIR for the name that requests give; several are given one by one, and the first is that of requests that name none (default: the model that comes with the command)",
            HelpName = "[NAME=]DIR",
        };
        Option<string?> file = CommonOptions.Path("--config", "FILE.json", "Settings: all those of docs/server.md; the command line comes before the environment, and that before the file");
        command.Add(models);
        command.Add(file);
        var settings = new ServeSettings();
        foreach (Option option in settings.Options)
            command.Add(option);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            await RunAsync(parsed.GetValue(file), [.. settings.Of(parsed), .. ModelSettings(parsed.GetValue(models) ?? [])], CommandConfiguration.StreamsOf(parsed), cancellationToken);
            return ExitCode.Done;
        });
        return command;
    }

    private static async Task RunAsync(string? file, IEnumerable<KeyValuePair<string, string?>> settings, CommandStreams streams, CancellationToken cancellationToken)
    {
        try
        {
            await ServerHost.RunAsync(file, settings, CommonOptions.DefaultModel(), line => streams.OutputWriter.WriteLine(line), cancellationToken);
        }
        catch (ServerConfigurationException error)
        {
            throw new UsageException(error.Message);
        }
    }

    /// <summary>NAME=DIR, or the name of the folder.</summary>
    private static IEnumerable<KeyValuePair<string, string?>> ModelSettings(IReadOnlyList<string> models)
    {
        foreach ((int index, string model) in models.Index())
        {
            int sign = model.IndexOf('=', StringComparison.Ordinal);
            string folder = model[(sign + 1)..];
            string name = sign > 0 ? model[..sign] : Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder)));
            if (name.Contains(':', StringComparison.Ordinal))
                throw new UsageException($"--model {model} has a name with a colon.");
            yield return KeyValuePair.Create<string, string?>($"Models:{name}", folder);
            if (index == 0)
                yield return KeyValuePair.Create<string, string?>("DefaultModel", name);
        }
    }
}
