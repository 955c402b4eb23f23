using AsArm.Assd.Distributions;
using AsArm.Assd.Ordering;
using AsArm.Assd.Samplers;
using AsArm.Inference.Text;

namespace AsArm.Inference.Infilling;

/// <summary>A request to score the spans of a text.</summary>
internal sealed class ScoreRequest(IReadOnlyList<TextSegment> segments, ScoreOptions options, SegmentEncoder encoder, InfillSetting setting)
{
    private InfillText? _text;
    private double[] _logProbabilities = [];
    private IReadOnlyList<IReadOnlyList<TokenProbability>> _top = [];

    /// <summary>Validates and encodes it.</summary>
    public EvaluationJob Prepare()
    {
        ArgumentOutOfRangeException.ThrowIfNegative(options.TopTokens);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(options.TopTokens, ScoreOptions.MaxTopTokens);
        InfillText.RequireTargets(segments, spans: true, null);
        _text = SpanWindow.Encode(segments, encoder, options.Window);
        var order = Order.LeftToRight(_text.Given);
        _logProbabilities = new double[order.TargetCount];
        var distribution = new SamplingOptions { BannedTokens = setting.Banned, BannedTokensAt = _text.BannedAt };
        int[] tokens = _text.Tokens;
        return new EvaluationJob(
            () => new TeacherForcedSampler(order, tokens, distribution, setting.Manifest.VocabularySize) { TopTokenCount = options.TopTokens },
            sampler =>
            {
                sampler.LogProbabilities.CopyTo(_logProbabilities);
                _top = ((TeacherForcedSampler)sampler).TopTokens;
            });
    }

    /// <summary>The scores, once the job is done.</summary>
    public ScoreResult Score() => _text!.Score(_logProbabilities, options.TopTokens > 0 ? _top : null);
}
