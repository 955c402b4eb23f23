using AsArm.Assd.Models;
using AsArm.Inference.ModelFolders;
using AsArm.Inference.Onnx.Sessions;
using AsArm.Inference.Scheduling;
using AsArm.Inference.Text;
using Microsoft.ML.Tokenizers;

namespace AsArm.Inference.Infilling;

/// <summary>
/// Fills the gaps of texts and scores marked spans with one model. Thread-safe: all callers share one queue and its forward passes. Texts in the
/// markup of <see cref="InfillPrompt.Parse" /> are accepted by the methods of <see cref="TextInfillerExtensions" />. Null arguments, and a folder without a
/// tokenizer (<see cref="ModelFolderException" />), throw at once; all else is thrown by the task, or by the first update of a stream. A request is what it is when
/// its method is called: prompts and lists of banned tokens may be changed afterwards.
/// </summary>
/// <example><code>
/// await using TextInfiller infiller = await TextInfiller.OpenAsync("models/english-18m");
/// InfillResult result = await infiller.InfillAsync("The cat &lt;mask:3&gt; the mat.");
/// </code></example>
public interface ITextInfiller
{
    /// <summary>The model.</summary>
    InfillModelInfo Model { get; }

    /// <summary>The tokenizer of the model, for whole texts without gaps.</summary>
    Tokenizer Tokenizer { get; }

    /// <summary>Counts the tokens of a prompt, with or without gaps, as they count for the maximum length of the model.</summary>
    /// <param name="prompt">A prompt.</param>
    /// <exception cref="InfillTextException">The text is too long to be tokenised.</exception>
    TokenCount CountTokens(InfillPrompt prompt);

    /// <summary>Fills the gaps of one text.</summary>
    /// <param name="request">The text and its options.</param>
    /// <param name="cancellationToken">Cancels the request, at once while it waits and otherwise after a forward pass at the latest.</param>
    /// <exception cref="InfillTextException">No gap, a malformed one, or too many tokens.</exception>
    /// <exception cref="ArgumentOutOfRangeException">An option is out of range.</exception>
    /// <exception cref="TimeoutException"><see cref="InfillOptions.Timeout" /> is over.</exception>
    /// <exception cref="QueueFullException">The queue is full, with <see cref="QueueFullMode.Reject" />.</exception>
    /// <exception cref="ModelOutputException">Logits are NaN or infinite.</exception>
    /// <exception cref="ModelRunException">ONNX Runtime failed to run the graph.</exception>
    /// <exception cref="ObjectDisposedException">The infiller is disposed or draining.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    Task<InfillResult> InfillAsync(InfillRequest request, CancellationToken cancellationToken = default);

    /// <summary>
    /// Fills the gaps of one text, with an update after every forward pass; the last one has the result. The model does not wait for the reader: what was
    /// committed is kept until it is read.
    /// </summary>
    /// <inheritdoc cref="InfillAsync" />
    IAsyncEnumerable<InfillUpdate> InfillStreamAsync(InfillRequest request, CancellationToken cancellationToken = default);

    /// <summary>
    /// Fills texts that arrive over time and returns an outcome for each, in their order: as soon as it and all earlier ones are available. An error of
    /// one text does not affect the others. If the source throws, the outcomes of the requests before come first.
    /// </summary>
    /// <param name="requests">The requests; no more of them are taken than the model can soon start. They are read on another thread, which the source may block, and prepared when they are read. The enumerator should observe its cancellation token: when the caller stops reading, it is cancelled but not awaited.</param>
    /// <param name="cancellationToken">Cancels the requests that are not done, and the wait for others.</param>
    /// <exception cref="ObjectDisposedException">The infiller is disposed or draining.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    IAsyncEnumerable<InfillOutcome> InfillBatchAsync(IAsyncEnumerable<InfillRequest> requests, CancellationToken cancellationToken = default);

    /// <summary>
    /// The exact log-probability of the spans of a text given all the rest, in one forward pass. As in <see cref="GapSpacing.AsTyped" /> the character
    /// before a span is given: the probability of its first token is renormalised over the tokens that agree with it.
    /// </summary>
    /// <param name="prompt">A prompt with at least one span.</param>
    /// <param name="options">Options.</param>
    /// <param name="cancellationToken">Cancels the request.</param>
    /// <exception cref="InfillTextException">No span, a gap, too many tokens, or characters that the vocabulary lacks.</exception>
    /// <inheritdoc cref="InfillAsync" />
    Task<ScoreResult> ScoreAsync(ScorePrompt prompt, ScoreOptions? options = null, CancellationToken cancellationToken = default);

    /// <summary>
    /// The most probable tokens for gaps of one token, in one forward pass for all gaps: each given the text, with the other gaps unknown.
    /// </summary>
    /// <param name="prompt">A prompt with gaps of one token.</param>
    /// <param name="options">Options.</param>
    /// <param name="cancellationToken">Cancels the request.</param>
    /// <returns>For each gap, from left to right, its candidates, the most probable first.</returns>
    /// <exception cref="InfillTextException">No gap, one of several tokens, or too many tokens.</exception>
    /// <inheritdoc cref="InfillAsync" />
    Task<IReadOnlyList<IReadOnlyList<TokenCandidate>>> CandidatesAsync(InfillPrompt prompt, CandidateOptions? options = null, CancellationToken cancellationToken = default);

    /// <summary>
    /// The most probable fillings of gaps of any number of tokens, by their joint probability, each gap given the text with the other gaps unknown. For gaps of several
    /// tokens a search from left to right keeps the most probable beginnings (<see cref="CandidateOptions.Beams" />); the result says whether it is certain.
    /// Where the only gap is of unknown length, the fillings of all lengths are compared by the posterior of the length times their probability.
    /// </summary>
    /// <param name="prompt">A prompt with gaps of a given number of tokens, or one gap of unknown length.</param>
    /// <param name="options">Options.</param>
    /// <param name="cancellationToken">Cancels the request.</param>
    /// <returns>For each gap, from left to right, its candidates.</returns>
    /// <exception cref="InfillTextException">No gap, one of unknown length beside others, one of which more is known, or too many tokens.</exception>
    /// <inheritdoc cref="InfillAsync" />
    Task<IReadOnlyList<GapCandidates>> CandidateFillingsAsync(InfillPrompt prompt, CandidateOptions? options = null, CancellationToken cancellationToken = default);
}
