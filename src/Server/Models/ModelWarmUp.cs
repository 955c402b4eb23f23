using AsArm.Server.Configuration;

namespace AsArm.Server.Models;

/// <summary>Opens the default model while the server starts, and looks at the folders for changes.</summary>
internal sealed class ModelWarmUp(ModelPool models, ServerOptions options, IHostApplicationLifetime lifetime, ILogger<ModelPool> log) : BackgroundService
{
    /// <summary>Why the default model could not be opened; null if it could.</summary>
    public Exception? Error { get; private set; }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            (await models.RentAsync(null, stoppingToken)).Dispose();
        }
#pragma warning disable CA1031 // Reported as the outcome of the command.
        catch (Exception error) when (!stoppingToken.IsCancellationRequested)
#pragma warning restore CA1031
        {
            Error = error;
            lifetime.StopApplication();
            return;
        }

        if (options.ReloadSeconds is not double seconds)
            return;
        using var timer = new PeriodicTimer(TimeSpan.FromSeconds(seconds));
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            foreach (string name in models.Names)
                await ReloadAsync(name, stoppingToken);
        }
    }

    private async Task ReloadAsync(string name, CancellationToken stoppingToken)
    {
        try
        {
            if (await models.ReloadAsync(name, stoppingToken))
                ServerLog.Reloaded(log, name);
        }
#pragma warning disable CA1031 // The old model goes on; a folder that is half written is looked at again.
        catch (Exception error) when (!stoppingToken.IsCancellationRequested)
#pragma warning restore CA1031
        {
            ServerLog.NotOpened(log, name, error.Message);
        }
    }
}
