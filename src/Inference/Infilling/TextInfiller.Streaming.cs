using System.Runtime.CompilerServices;
using AsArm.Inference.Text;

namespace AsArm.Inference.Infilling;

/// <content>Filling one text asynchronously, with or without an update after every forward pass.</content>
public sealed partial class TextInfiller
{
    /// <inheritdoc cref="Infill(string, InfillOptions, CancellationToken)" />
    public Task<InfillResult> InfillAsync(string text, InfillOptions? options = null, CancellationToken cancellationToken = default) =>
        InfillAsync(new InfillRequest(text, options ?? new()), cancellationToken);

    /// <inheritdoc cref="Infill(InfillPrompt, InfillOptions, CancellationToken)" />
    public Task<InfillResult> InfillAsync(InfillPrompt prompt, InfillOptions? options = null, CancellationToken cancellationToken = default) =>
        InfillAsync(new InfillRequest(prompt, options ?? new()), cancellationToken);

    /// <summary>Fills the gaps of one text, with an update after every forward pass; the last one has the filled text.</summary>
    /// <inheritdoc cref="Infill(string, InfillOptions, CancellationToken)" />
    public IAsyncEnumerable<InfillUpdate> InfillStreamAsync(string text, InfillOptions? options = null, CancellationToken cancellationToken = default) =>
        InfillStreamAsync(new InfillRequest(text, options ?? new()), cancellationToken);

    /// <summary>Fills the gaps of one prompt, with an update after every forward pass; the last one has the filled text.</summary>
    /// <inheritdoc cref="Infill(InfillPrompt, InfillOptions, CancellationToken)" />
    public IAsyncEnumerable<InfillUpdate> InfillStreamAsync(InfillPrompt prompt, InfillOptions? options = null, CancellationToken cancellationToken = default) =>
        InfillStreamAsync(new InfillRequest(prompt, options ?? new()), cancellationToken);

    private async Task<InfillResult> InfillAsync(InfillRequest request, CancellationToken cancellationToken)
    {
        InfillJob job = CreateJob(request, mode: DraftMode.Latency);
        await foreach (bool _ in _runner.StepsAsync(job, cancellationToken).ConfigureAwait(false))
        {
        }

        return job.Result();
    }

    private async IAsyncEnumerable<InfillUpdate> InfillStreamAsync(InfillRequest request, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        InfillJob job = CreateJob(request, mode: DraftMode.Latency);
        await foreach (bool _ in _runner.StepsAsync(job, cancellationToken).ConfigureAwait(false))
            yield return job.Update();
    }

    private InfillJob CreateJob(InfillRequest request, DraftMode mode)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(request.Options);
        return new InfillJob(Encode(request), request.Options, _setting, mode);
    }
}
