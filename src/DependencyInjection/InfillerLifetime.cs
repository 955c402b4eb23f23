using System.Diagnostics;
using AsArm.Inference.Infilling;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace AsArm.Extensions.DependencyInjection;

/// <summary>Opens the model with the host, and drains it when the host stops.</summary>
internal sealed class InfillerLifetime(IServiceProvider provider, OpenedInfiller opened, IOptions<AsArmOptions> options) : IHostedLifecycleService
{
    private readonly ILogger _log = provider.GetService<ILogger<TextInfiller>>() ?? (ILogger)NullLogger.Instance;

    /// <summary>Before the servers of the host start, which are hosted services too.</summary>
    public async Task StartingAsync(CancellationToken cancellationToken)
    {
        if (!options.Value.WarmUp)
            return;
        long start = Stopwatch.GetTimestamp();
        TextInfiller infiller = await Task.Run(provider.GetRequiredService<TextInfiller>, cancellationToken).ConfigureAwait(false);
        await infiller.WarmUpAsync(cancellationToken).ConfigureAwait(false);
        Log.WarmedUp(_log, infiller.Model.Name, Stopwatch.GetElapsedTime(start).TotalSeconds);
    }

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>After the servers of the host have stopped, so that what they have accepted is finished.</summary>
    public async Task StoppedAsync(CancellationToken cancellationToken)
    {
        if (opened.Value is not TextInfiller infiller)
            return;
        try
        {
            await infiller.DrainAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            Log.Cancelled(_log, infiller.Model.Name);
        }
    }
}
