using AsArm.Server.Configuration;

namespace AsArm.Server;

/// <summary>What the command starts.</summary>
public static class ServerHost
{
    /// <summary>Runs a server until it is told to stop, by a signal or by the token.</summary>
    /// <param name="file">A JSON file with settings; null for none.</param>
    /// <param name="settings">Settings that come before the environment and the file, "Models:small" for one of a list.</param>
    /// <param name="defaultModel">The model folder where no model is named.</param>
    /// <param name="tell">Takes a line once the server listens.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <exception cref="ServerConfigurationException">A setting is wrong, or the address is not free.</exception>
    public static Task RunAsync(
        string? file, IEnumerable<KeyValuePair<string, string?>> settings, string defaultModel, Action<string> tell, CancellationToken cancellationToken)
    {
        ServerOptions options = ServerConfiguration.Read(file, settings, defaultModel);
        return AsArmServer.RunAsync(options, address => tell($"listening on {address}, model {options.DefaultName}"), cancellationToken);
    }
}
