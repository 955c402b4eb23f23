using AsArm.Assd.Distributions;
using AsArm.Assd.Ordering;
using AsArm.Assd.Randomness;
using AsArm.Assd.Samplers;
using AsArm.Inference.Gaps;
using AsArm.Inference.Text;

namespace AsArm.Inference.Infilling;

/// <summary>A request to score the spans of a text.</summary>
internal sealed class ScoreRequest(IReadOnlyList<TextSegment> segments, ScoreOptions options, SegmentEncoder encoder, InfillSetting setting)
{
    private InfillText? _text;
    private double[] _logProbabilities = [], _entropies = [];
    private double[]? _pseudo; // by rank; null if it is not asked for
    private IReadOnlyList<IReadOnlyList<TokenProbability>> _top = [];

    /// <summary>Validates and encodes it.</summary>
    public StepJob Prepare()
    {
        ArgumentOutOfRangeException.ThrowIfNegative(options.TopTokens);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(options.TopTokens, ScoreOptions.MaxTopTokens);
        InfillText.RequireTargets(segments, spans: true, null);
        _text = SpanWindow.Encode(segments, encoder, options.Window);
        var distribution = new SamplingOptions { BannedTokens = setting.Banned, BannedTokensAt = _text.BannedAt };
        var order = Order.LeftToRight(_text.Given);
        _pseudo = options.PseudoLogLikelihood ? new double[order.TargetCount] : null;
        int[] tokens = _text.Tokens;
        IEnumerable<SequenceTask> singles = Enumerable.Range(0, _pseudo?.Length ?? 0).Select(target => Single(order, target, tokens, distribution));
        int count = ((_pseudo?.Length ?? 0) / TextInfiller.MaxBatchSize) + 1;
        return new StepJob(singles.Prepend(Joint(order, distribution)).Chunk(TextInfiller.MaxBatchSize), count); // other requests get their turn between two steps
    }

    /// <summary>The scores, once the job is done.</summary>
    public ScoreResult Score()
    {
        ScoreResult score = _text!.Score(_logProbabilities, options.TopTokens > 0 ? _top : null);
        return score with { Spans = [.. score.Spans.Select(span => span with { TokenScores = [.. TokenScore.WithEntropies(span.TokenScores, _entropies, 0).Select(WithPseudo)] })] };
    }

    private TokenScore WithPseudo(TokenScore token) => _pseudo is null ? token : token with { PseudoLogProbability = _pseudo[token.Rank] };

    /// <summary>All targets, each given those before it.</summary>
    private SequenceTask Joint(Order order, SamplingOptions distribution) => new(
        () => (new TeacherForcedSampler(order, _text!.Tokens, distribution, setting.Manifest.VocabularySize) { TopTokenCount = options.TopTokens, RecordsEntropies = options.Entropies }, new SplitMix64(0)),
        sampler => (_logProbabilities, _entropies, _top) = ([.. sampler.LogProbabilities], [.. sampler.Entropies], ((TeacherForcedSampler)sampler).TopTokens));

    /// <summary>One target, given all other tokens.</summary>
    private SequenceTask Single(Order order, int target, int[] tokens, SamplingOptions distribution)
    {
        var given = new bool[tokens.Length];
        given.AsSpan().Fill(true);
        given[order.Positions[order.GivenCount + target]] = false;
        return SequenceTask.LogProbabilities(Order.LeftToRight(given), tokens, distribution, setting.Manifest.VocabularySize, 1, logs => _pseudo![target] = logs[0]);
    }
}
