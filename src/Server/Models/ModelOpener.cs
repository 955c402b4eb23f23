using AsArm.Inference.Devices;
using AsArm.Inference.Infilling;
using AsArm.Inference.Scheduling;
using AsArm.Server.Configuration;

namespace AsArm.Server.Models;

/// <summary>Opens model folders with the settings of the server.</summary>
/// <param name="options">The settings.</param>
internal sealed class ModelOpener(ServerOptions options)
{
    /// <summary>Opens a model and runs a forward pass, so that its first request does not pay for it.</summary>
    public async Task<OpenedModel> OpenAsync(string name, string folder, CancellationToken cancellationToken)
    {
        string stamp = FolderStamp.Of(folder);
        var settings = new TextInfillerOptions
        {
            Device = Device.Parse(options.Device),
            Threads = options.Threads,
            UseFloat32 = options.Float32,
            DraftMode = options.DraftMode,
            MaxQueuedRequests = options.MaxQueuedRequests,
            QueueFullMode = QueueFullMode.Reject,
        };
        TextInfiller infiller = await TextInfiller.OpenAsync(folder, settings, cancellationToken);
        try
        {
            await infiller.WarmUpAsync(cancellationToken);
        }
        catch
        {
            await infiller.DisposeAsync();
            throw;
        }

        return new OpenedModel(name, infiller, FolderStamp.BytesOf(folder), stamp);
    }
}
