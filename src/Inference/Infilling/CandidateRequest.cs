using AsArm.Assd.Distributions;
using AsArm.Assd.Ordering;
using AsArm.Assd.Samplers;
using AsArm.Inference.Text;

namespace AsArm.Inference.Infilling;

/// <summary>A request for the most probable tokens of gaps of one token.</summary>
internal sealed class CandidateRequest(
    IReadOnlyList<TextSegment> segments, string? warning, Func<CandidateOptions> getOptions, SegmentEncoder encoder, InfillSetting setting)
{
    private InfillText? _text;
    private IReadOnlyList<IReadOnlyList<TokenProbability>> _top = [];

    /// <summary>Validates and encodes it.</summary>
    public EvaluationJob Prepare()
    {
        CandidateOptions options = getOptions();
        options.RequireRanges(setting.Manifest.VocabularySize);
        options = OptionsCopy.AsScored(options);
        InfillText.RequireTargets(segments, spans: false, warning);
        GapSupport.RequirePlain(segments, "for candidates");
        if (segments.OfType<TextSegment.Gap>().FirstOrDefault(gap => gap.Count != 1) is TextSegment.Gap other)
            throw new InfillTextException($"Candidates are for gaps of one token, this text has a gap of {other.Count}.");
        _text = encoder.Encode(segments);
        var order = Order.LeftToRight(_text.Given);
        int[] tokens = _text.Tokens;
        SamplingOptions distribution = options with { BannedTokens = [.. setting.Banned.Union(options.BannedTokens)], BannedTokensAt = _text.BannedAt };
        InfillOptions.RequireTokensAt(distribution, setting.Manifest.VocabularySize);
        return new EvaluationJob(
            () => new TopTokensSampler(order, tokens, distribution, setting.Manifest.VocabularySize, options.Count),
            sampler => _top = ((TopTokensSampler)sampler).TopTokens);
    }

    /// <summary>The candidates of each gap, once the job is done.</summary>
    public IReadOnlyList<IReadOnlyList<TokenCandidate>> Candidates()
    {
        int[] tokens = _text!.Tokens;
        var committed = new bool[tokens.Length];
        int[] gaps = [.. _text.Given.Index().Where(entry => !entry.Item).Select(entry => entry.Index)];
        return [.. gaps.Zip(_top, (position, top) => (IReadOnlyList<TokenCandidate>)[.. top.Select(one => Candidate(position, one))])];

        TokenCandidate Candidate(int position, TokenProbability one)
        {
            tokens[position] = one.Token;
            return new TokenCandidate(one.Token, _text.TokenText(position, tokens, committed), one.Probability);
        }
    }
}
