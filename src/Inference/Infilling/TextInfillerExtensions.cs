using AsArm.Inference.Text;

namespace AsArm.Inference.Infilling;

/// <summary>The methods of <see cref="ITextInfiller" /> for prompts, and for texts in markup.</summary>
public static class TextInfillerExtensions
{
    /// <summary>Fills the gaps of one text.</summary>
    /// <param name="infiller">The infiller.</param>
    /// <param name="text">&lt;mask&gt; is one unknown token, &lt;mask:N&gt; a gap of N; \&lt; is a plain &lt;.</param>
    /// <param name="options">Options; by default exact samples of the distribution of the model, given the space before each gap (<see cref="GapSpacing.AsTyped" />).</param>
    /// <param name="cancellationToken">Cancels the request.</param>
    /// <inheritdoc cref="ITextInfiller.InfillAsync" />
    public static Task<InfillResult> InfillAsync(this ITextInfiller infiller, string text, InfillOptions? options = null, CancellationToken cancellationToken = default) =>
        Required(infiller).InfillAsync(new InfillRequest(Required(text), options ?? new()), cancellationToken);

    /// <summary>Fills the gaps of one prompt.</summary>
    /// <param name="infiller">The infiller.</param>
    /// <param name="prompt">A prompt with at least one gap.</param>
    /// <param name="options">Options; by default exact samples of the distribution of the model, given the space before each gap (<see cref="GapSpacing.AsTyped" />).</param>
    /// <param name="cancellationToken">Cancels the request.</param>
    /// <inheritdoc cref="ITextInfiller.InfillAsync" />
    public static Task<InfillResult> InfillAsync(this ITextInfiller infiller, InfillPrompt prompt, InfillOptions? options = null, CancellationToken cancellationToken = default) =>
        Required(infiller).InfillAsync(new InfillRequest(prompt, options ?? new()), cancellationToken);

    /// <summary>Fills the gaps of one text, with an update after every forward pass; the last one has the result.</summary>
    /// <inheritdoc cref="InfillAsync(ITextInfiller, string, InfillOptions, CancellationToken)" />
    public static IAsyncEnumerable<InfillUpdate> InfillStreamAsync(this ITextInfiller infiller, string text, InfillOptions? options = null, CancellationToken cancellationToken = default) =>
        Required(infiller).InfillStreamAsync(new InfillRequest(Required(text), options ?? new()), cancellationToken);

    /// <summary>Fills the gaps of one prompt, with an update after every forward pass; the last one has the result.</summary>
    /// <inheritdoc cref="InfillAsync(ITextInfiller, InfillPrompt, InfillOptions, CancellationToken)" />
    public static IAsyncEnumerable<InfillUpdate> InfillStreamAsync(this ITextInfiller infiller, InfillPrompt prompt, InfillOptions? options = null, CancellationToken cancellationToken = default) =>
        Required(infiller).InfillStreamAsync(new InfillRequest(prompt, options ?? new()), cancellationToken);

    /// <summary>The exact log-probability of the marked spans of a text given all the rest, in one forward pass.</summary>
    /// <param name="infiller">The infiller.</param>
    /// <param name="text">Marked-up text: [[...]] marks a span; \[ is a plain [.</param>
    /// <param name="options">Options.</param>
    /// <param name="cancellationToken">Cancels the request.</param>
    /// <inheritdoc cref="ITextInfiller.ScoreAsync" />
    public static Task<ScoreResult> ScoreAsync(this ITextInfiller infiller, string text, ScoreOptions? options = null, CancellationToken cancellationToken = default) =>
        Score(Required(infiller), Required(text), options, cancellationToken);

    /// <summary>The most probable tokens for gaps of one token, in one forward pass for all gaps: each given the text, with the other gaps unknown.</summary>
    /// <param name="infiller">The infiller.</param>
    /// <param name="text">A text with gaps of one token: &lt;mask&gt;.</param>
    /// <param name="options">Options.</param>
    /// <param name="cancellationToken">Cancels the request.</param>
    /// <inheritdoc cref="ITextInfiller.CandidatesAsync" />
    public static Task<IReadOnlyList<IReadOnlyList<TokenCandidate>>> CandidatesAsync(
        this ITextInfiller infiller, string text, CandidateOptions? options = null, CancellationToken cancellationToken = default) =>
        Candidates(Required(infiller), Required(text), options, cancellationToken);

    /// <summary>The most probable fillings of gaps of any number of tokens, each given the text with the other gaps unknown.</summary>
    /// <param name="infiller">The infiller.</param>
    /// <param name="text">A text with gaps: &lt;mask&gt;, &lt;mask:N&gt;.</param>
    /// <param name="options">Options.</param>
    /// <param name="cancellationToken">Cancels the request.</param>
    /// <inheritdoc cref="ITextInfiller.CandidateFillingsAsync" />
    public static Task<IReadOnlyList<GapCandidates>> CandidateFillingsAsync(
        this ITextInfiller infiller, string text, CandidateOptions? options = null, CancellationToken cancellationToken = default) =>
        CandidateFillings(Required(infiller), Required(text), options, cancellationToken);

    private static async Task<ScoreResult> Score(ITextInfiller infiller, string text, ScoreOptions? options, CancellationToken cancellationToken) =>
        await infiller.ScoreAsync(ScorePrompt.Parse(text), options, cancellationToken).ConfigureAwait(false);

    private static async Task<IReadOnlyList<IReadOnlyList<TokenCandidate>>> Candidates(
        ITextInfiller infiller, string text, CandidateOptions? options, CancellationToken cancellationToken) =>
        await infiller.CandidatesAsync(InfillPrompt.Parse(text), options, cancellationToken).ConfigureAwait(false);

    private static async Task<IReadOnlyList<GapCandidates>> CandidateFillings(
        ITextInfiller infiller, string text, CandidateOptions? options, CancellationToken cancellationToken) =>
        await infiller.CandidateFillingsAsync(InfillPrompt.Parse(text), options, cancellationToken).ConfigureAwait(false);

    private static string Required(string text) => text ?? throw new ArgumentNullException(nameof(text));

    private static ITextInfiller Required(ITextInfiller infiller) => infiller ?? throw new ArgumentNullException(nameof(infiller));
}
