using AsArm.Assd.Distributions;
using AsArm.Assd.Models;
using AsArm.Assd.Samplers;
using AsArm.Inference.Text;

namespace AsArm.Inference.Infilling;

/// <content>Log-probabilities of spans and of results, and candidates for gaps.</content>
public sealed partial class TextInfiller
{
    /// <summary>The exact log-probability of the marked spans of a text given the rest, in one forward pass. Blocks the thread meanwhile.</summary>
    /// <param name="text">Marked-up text: [[...]] marks a span; \[ is a plain [.</param>
    /// <param name="cancellationToken">Cancels the request.</param>
    /// <inheritdoc cref="ITextInfiller.ScoreAsync" />
    public ScoreResult Score(string text, CancellationToken cancellationToken = default) => Score(ScorePrompt.Parse(text), null, cancellationToken);

    /// <summary>The exact log-probability of the spans of a prompt given the rest, in one forward pass. Blocks the thread meanwhile.</summary>
    /// <inheritdoc cref="ITextInfiller.ScoreAsync" />
    public ScoreResult Score(ScorePrompt prompt, ScoreOptions? options = null, CancellationToken cancellationToken = default) =>
        _runner.Run(PlanScore(prompt, options ?? new()), cancellationToken);

    /// <inheritdoc />
    public Task<ScoreResult> ScoreAsync(ScorePrompt prompt, ScoreOptions? options = null, CancellationToken cancellationToken = default) =>
        _runner.RunAsync(PlanScore(prompt, options ?? new()), cancellationToken);

    /// <inheritdoc />
    public Task<IReadOnlyList<IReadOnlyList<TokenCandidate>>> CandidatesAsync(InfillPrompt prompt, CandidateOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(prompt);
        options ??= new();
        var request = new CandidateRequest(prompt.CopySegments(), prompt.Warning, OptionsCopy.Now(options), Encoder(options.GapSpacing), _setting);
        return _runner.RunAsync(
            new RequestPlan<EvaluationJob, IReadOnlyList<IReadOnlyList<TokenCandidate>>>("candidates", options.Timeout, false, request.Prepare, (_, _, _) => request.Candidates()),
            cancellationToken);
    }

    /// <inheritdoc />
    public Task<IReadOnlyList<GapCandidates>> CandidateFillingsAsync(InfillPrompt prompt, CandidateOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(prompt);
        options ??= new();
        var request = new FillingRequest(prompt.CopySegments(), prompt.Warning, OptionsCopy.Now(options), Encoder(options.GapSpacing), _setting);
        return _runner.RunAsync(
            new RequestPlan<StepJob, IReadOnlyList<GapCandidates>>("candidates", options.Timeout, false, request.Prepare, (_, _, _) => request.Candidates()),
            cancellationToken);
    }

    /// <summary>
    /// The log-probability of the generated tokens of a result under the joint distribution of the model and the options of the request, in one
    /// forward pass per window. For exact samplers it equals the one in the statistics; <see cref="SamplerKind.Parallel" /> deviates from it, and so does
    /// a text with open gaps, whose tokens were drawn with positions behind them that the result does not have.
    /// </summary>
    /// <param name="result">A result of an infiller with this model.</param>
    /// <param name="cancellationToken">Cancels the request.</param>
    /// <exception cref="ArgumentException">The result has no tokens, as it was not created by an infiller, or it is of another model.</exception>
    /// <exception cref="ModelOutputException">Logits are NaN or infinite.</exception>
    public double JointLogProbability(InfillResult result, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(result);
        if (result.Sequences.Count == 0)
            throw new ArgumentException("The result has no tokens.", nameof(result));
        if (result.Sequences.Any(filled => filled.Model != Folder.Manifest.Identity))
            throw new ArgumentException("The result is of another model.", nameof(result));
        return result.Sequences.Sum(filled => LogProbabilities(filled, cancellationToken).Sum());
    }

    /// <summary>[TargetCount] Log-probabilities of the targets of a sequence by rank, in one forward pass.</summary>
    internal double[] LogProbabilities(FilledSequence filled, CancellationToken cancellationToken)
    {
        var result = new double[filled.Order.TargetCount];
        var request = new RequestPlan<EvaluationJob, double[]>(
            "score", null, true, () => EvaluationJob.LogProbabilities(filled.Order, filled.Tokens, filled.Distribution, _setting.Manifest.VocabularySize, result), (_, _, _) => result);
        return _runner.Run(request, cancellationToken);
    }

    /// <summary>
    /// [generated tokens, by rank] The most probable tokens in the place of each generated token of a result, in one forward pass per window. It is the distribution that its
    /// log-probability is of, with two differences: greedy decoding has that of temperature 1, and with several gaps of unknown length a gap was filled while the
    /// later ones stood at their expected lengths, of which the result has the lengths chosen.
    /// </summary>
    /// <param name="result">A result of this infiller.</param>
    /// <param name="count">The maximum number for each, at least 1.</param>
    /// <param name="cancellationToken">Cancels the request.</param>
    internal async Task<IReadOnlyList<IReadOnlyList<TokenProbability>>> TopTokensAsync(InfillResult result, int count, CancellationToken cancellationToken)
    {
        var top = new List<IReadOnlyList<TokenProbability>>();
        foreach (FilledSequence filled in result.Sequences)
        {
            SamplingOptions options = OptionsCopy.AsScored(filled.Distribution);
            await _runner.RunAsync(
                new RequestPlan<EvaluationJob, int>(
                    "score",
                    null,
                    true,
                    () => new EvaluationJob(
                        () => new TeacherForcedSampler(filled.Order, filled.Tokens, options, _setting.Manifest.VocabularySize) { TopTokenCount = count },
                        sampler => top.AddRange(((TeacherForcedSampler)sampler).TopTokens)),
                    (_, _, _) => 0),
                cancellationToken).ConfigureAwait(false);
        }

        return top;
    }

    private RequestPlan<StepJob, ScoreResult> PlanScore(ScorePrompt prompt, ScoreOptions options)
    {
        ArgumentNullException.ThrowIfNull(prompt);
        var request = new ScoreRequest(prompt.CopySegments(), options, Encoder(GapSpacing.AsTyped), _setting);
        return new RequestPlan<StepJob, ScoreResult>("score", options.Timeout, false, request.Prepare, (_, _, _) => request.Score());
    }
}
