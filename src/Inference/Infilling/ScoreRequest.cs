using AsArm.Assd.Distributions;
using AsArm.Assd.Ordering;
using AsArm.Inference.Text;

namespace AsArm.Inference.Infilling;

/// <summary>A request to score the spans of a text.</summary>
internal sealed class ScoreRequest(IReadOnlyList<TextSegment> segments, ScoreOptions options, SegmentEncoder encoder, InfillSetting setting)
{
    private InfillText? _text;
    private double[] _logProbabilities = [];

    /// <summary>Validates and encodes it.</summary>
    public EvaluationJob Prepare()
    {
        InfillText.RequireTargets(segments, spans: true, null);
        _text = SpanWindow.Encode(segments, encoder, options.Window);
        var order = Order.LeftToRight(_text.Given);
        _logProbabilities = new double[order.TargetCount];
        var distribution = new SamplingOptions { BannedTokens = setting.Banned, BannedTokensAt = _text.BannedAt };
        return EvaluationJob.LogProbabilities(order, _text.Tokens, distribution, setting.Manifest.VocabularySize, _logProbabilities);
    }

    /// <summary>The scores, once the job is done.</summary>
    public ScoreResult Score() => _text!.Score(_logProbabilities);
}
