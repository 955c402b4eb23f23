using AsArm.Assd.Ordering;
using AsArm.Assd.Planning;
using AsArm.Assd.Randomness;
using AsArm.Assd.Samplers;
using AsArm.Assd.Samplers.Fused;
using AsArm.Inference.Gaps;
using AsArm.Inference.Text;

namespace AsArm.Inference.Infilling;

/// <summary>
/// Fills a text from left to right, each gap given those before it: where the length of a gap is not known it is found first, which needs the text before it,
/// so that all gaps before are filled until then. Gaps after it that are not resolved stand with an expected length meanwhile.
/// </summary>
internal sealed partial class GapFilling
{
    private readonly GapText _text;
    private readonly InfillOptions _options; // with all bans but those of positions
    private readonly InfillSetting _setting;
    private readonly DraftMode _mode;
    private readonly SplitMix64 _random;
    private readonly GapState[] _gaps;
    private readonly Dictionary<DraftSource, DraftCounts> _drafts = [];
    private SamplingStatistics _filled; // of the samplers that filled gaps
    private int _content, _queries; // of all sequences
    private int _generated;

    /// <param name="text">The text.</param>
    /// <param name="options">The options of the request.</param>
    /// <param name="setting">The settings of the infiller.</param>
    /// <param name="mode">The draft mode.</param>
    /// <param name="random">The random numbers of the request.</param>
    public GapFilling(GapText text, InfillOptions options, InfillSetting setting, DraftMode mode, SplitMix64 random)
    {
        (_text, _setting, _mode, _random) = (text, setting, mode, random);
        _options = options with { BannedTokens = [.. setting.Banned.Union(options.BannedTokens)] };
        _gaps = [.. text.Gaps.Select(StateOf)];
        if (Array.Exists(_gaps, IsOpen))
            RequireOpenGaps();
        InfillOptions.RequireTokensAt(_options with { BannedTokensAt = Encode().BannedAt }, setting.Manifest.VocabularySize);
    }

    /// <summary>The steps, each of sequences that share forward passes. Between two of them nothing of the text is in the model.</summary>
    /// <exception cref="InfillTextException">No filling was found that meets what the gaps ask for.</exception>
    public IEnumerable<IReadOnlyList<SequenceTask>> Steps()
    {
        foreach (IReadOnlyList<SequenceTask> step in Choose())
            yield return step;
        for (int first; (first = Array.FindIndex(_gaps, gap => gap.Tokens is null)) >= 0;)
        {
            int end = EndOfUnit(first);
            if (Array.Exists(_gaps[first..end], IsConstrained))
            {
                foreach (IReadOnlyList<SequenceTask> step in FillConstrained(first, end))
                    yield return step;
            }
            else if (_gaps[first].IsResolved)
            {
                yield return [Fill(end)];
            }
            else
            {
                foreach (IReadOnlyList<SequenceTask> step in IsOpen(_gaps[first]) ? FillOpen(first) : ResolveLength(first))
                    yield return step;
            }
        }
    }

    /// <summary>Adds up the work of a sequence that is done.</summary>
    public void Count(SamplingStatistics sequence) => (_content, _queries) = (_content + sequence.ContentTokens, _queries + sequence.QueryTokens);

    /// <summary>The result, once all gaps are filled.</summary>
    /// <param name="seed">The seed.</param>
    /// <param name="elapsed">The time.</param>
    /// <param name="passes">Number of forward passes.</param>
    public InfillResult Result(long seed, TimeSpan elapsed, int passes)
    {
        InfillText text = Encode();
        int[] tokens = text.Tokens;
        var (committed, scores) = (new bool[tokens.Length], new (double, int)[tokens.Length]);
        Array.Fill(committed, true);
        foreach ((Range positions, GapState gap) in text.TargetPositions.Zip(_gaps))
        {
            for (int i = 0; i < gap.Length; i++)
                scores[positions.Start.Value + i] = (gap.LogProbabilities[i], gap.FirstRank + i);
        }

        string[] texts = [.. text.DecodeGaps(tokens, committed).Zip(_gaps, (decoded, gap) => gap.Text ?? decoded)];
        int[] starts = text.GapStarts(texts);
        IReadOnlyList<TokenScore>[] scored = text.TargetTokens(tokens, scores);
        FilledSequence sequence = SequenceOf(text, tokens, passes);
        return new InfillResult(text.Fill(texts), [.. _gaps.Select((gap, i) => GapOf(gap, texts[i], starts[i], scored[i]))], sequence.Statistics, seed, elapsed)
        {
            Drafts = _drafts,
            Sequences = [sequence],
            Usage = new TokenUsage(sequence.Order.GivenCount, sequence.Order.TargetCount),
            Warning = _text.Warning,
        };
    }

    private long NextSeed() => (long)(_random.NextDouble() * (1L << 53));

    private GapState StateOf(KnownGap gap)
    {
        bool hasOneLength = gap.Lengths.Count == 1;
        return new(gap)
        {
            IsResolved = hasOneLength,
            Length = hasOneLength ? (int)gap.ShortestLength : ExpectedLength(gap),
            Accuracy = InfillSamplers.AccuracyOf(_options.Sampler),
        };
    }

    /// <summary>The text with the gaps as they are now.</summary>
    private InfillText Encode() => Encode(gap => gap.Shown);

    private InfillText Encode(Func<GapState, TextSegment> shown)
    {
        TextSegment[] segments = [.. _text.Segments];
        foreach (GapState gap in _gaps)
            segments[gap.Known.Segment] = shown(gap);
        return _text.Encoder.Encode(segments);
    }

    /// <summary>Fills the gaps before one that are not filled yet; those from it on stay unknown.</summary>
    private SequenceTask Fill(int end)
    {
        InfillText text = Encode();
        InfillOptions options = _options with { BannedTokensAt = text.BannedAt };
        var order = Order.LeftToRight(text.Given);
        GapState[] gaps = [.. _gaps.Take(end).Where(gap => gap.Tokens is null)];
        return new(
            () => (InfillSamplers.Create(order, text.Tokens, options, _setting, _mode, gaps.Sum(gap => gap.Length)), _random),
            sampler =>
            {
                int at = 0;
                foreach (GapState gap in gaps)
                {
                    ReadOnlySpan<int> positions = order.Positions.Slice(order.GivenCount + at, gap.Length);
                    var tokens = new int[gap.Length];
                    for (int i = 0; i < tokens.Length; i++)
                        tokens[i] = sampler.Tokens[positions[i]];
                    Commit(gap, tokens, sampler.LogProbabilities.Slice(at, gap.Length).ToArray());
                    gap.Entropies = sampler.RecordsEntropies ? sampler.Entropies.Slice(at, gap.Length).ToArray() : [];
                    at += gap.Length;
                }

                AddUp(FilledSequence.Of(sampler, options, ""));
            });
    }

    private void Commit(GapState gap, int[] tokens, double[] logProbabilities)
    {
        (gap.Tokens, gap.Length, gap.LogProbabilities, gap.FirstRank) = (tokens, tokens.Length, logProbabilities, _generated);
        _generated += tokens.Length;
    }

    private void AddUp(FilledSequence sequence)
    {
        _filled = FilledWindows.Sum(_filled, sequence.Statistics);
        foreach ((DraftSource source, DraftCounts counts) in sequence.Drafts)
            _drafts[source] = _drafts.GetValueOrDefault(source) + counts;
    }

    private FilledSequence SequenceOf(InfillText text, int[] tokens, int passes)
    {
        var given = new bool[tokens.Length];
        Array.Fill(given, true);
        foreach (Range positions in text.TargetPositions)
            given.AsSpan(positions).Clear();
        double[] logs = [.. _gaps.SelectMany(gap => gap.LogProbabilities)];
        return new(Order.LeftToRight(given), tokens, _options with { BannedTokensAt = text.BannedAt }, _setting.Manifest.Identity)
        {
            LogProbabilities = logs,
            Statistics = new SamplingStatistics(_generated, passes, _filled.Drafted, _filled.Accepted, _content, _queries, logs.Sum()),
            Drafts = _drafts,
        };
    }

    /// <summary>Whether conditions were met one after another, and not jointly. Open gaps alone are defined so: each given those before.</summary>
    private bool IsMetInParts => _conditionedUnits > 1 || (_conditionedUnits == 1 && Array.Exists(_gaps, gap => gap.Method == GapMethod.OpenGap));

    private InfilledGap GapOf(GapState gap, string text, int start, IReadOnlyList<TokenScore> tokens) => new(text, start, TokenScore.WithEntropies(tokens, gap.Entropies, gap.FirstRank))
    {
        Specification = gap.Specification.IsPlain ? null : gap.Specification,
        Accuracy = IsMetInParts && (gap.Conditioning is not null || gap.Choices.Count > 0) ? GapAccuracy.Estimate : gap.Accuracy,
        Method = gap.Method,
        Lengths = gap.Lengths,
        EndLogProbability = gap.EndLogProbability,
        Choices = gap.Choices,
        Conditioning = gap.Conditioning,
    };
}
