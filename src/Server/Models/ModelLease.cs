using AsArm.Inference.Infilling;

namespace AsArm.Server.Models;

/// <summary>A model in use by a request: it is not closed before the lease is returned.</summary>
/// <param name="opened">The model.</param>
internal sealed class ModelLease(OpenedModel opened) : IDisposable
{
    private OpenedModel? _opened = opened;

    /// <summary>Its name in requests.</summary>
    public string Name { get; } = opened.Name;

    /// <summary>The model.</summary>
    public TextInfiller Infiller { get; } = opened.Infiller;

    /// <inheritdoc />
    public void Dispose() => Interlocked.Exchange(ref _opened, null)?.Return();
}
