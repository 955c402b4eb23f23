using AsArm.Assd.Planning;
using AsArm.Assd.Samplers.Fused;
using AsArm.Benchmarks.Statistics;
using AsArm.Inference.Infilling;

namespace AsArm.Benchmarks.Samplers;

/// <summary>What one sampler did on the texts of one kind.</summary>
/// <param name="unit">What intervals are over.</param>
public sealed class SamplerTally(IntervalUnit unit)
{
    private readonly List<(int Text, Observation Observation)> _observations = [];

    /// <summary>Of all sequences: a forward pass of a batch counts for each (NFE).</summary>
    public int ForwardPasses => All.Sum(one => one.ForwardPasses);

    /// <summary>Tokens committed in a forward pass of one sequence.</summary>
    public double TokensPerForwardPass => (double)Tokens / ForwardPasses;

    /// <summary>Content and query tokens of a forward pass of one sequence, its given tokens aside.</summary>
    public double ProcessedPerForwardPass => (double)Results.Sum(result => result.Statistics.ContentTokens + result.Statistics.QueryTokens) / ForwardPasses;

    /// <summary>Of the whole requests.</summary>
    public double MillisecondsPerToken => All.Sum(one => one.Milliseconds) / Tokens;

    /// <summary>Of the tokens that the first forward pass left; NaN if it left none.</summary>
    public double DecodingMillisecondsPerToken => All.Sum(one => one.LaterMilliseconds) / LaterTokens;

    /// <summary>Accepted draft tokens of those drawn; NaN without any.</summary>
    public double AcceptedOfDrafted => (double)Results.Sum(result => result.Statistics.Accepted) / Results.Sum(result => result.Statistics.Drafted);

    private IEnumerable<Observation> All => _observations.Select(one => one.Observation);

    private IEnumerable<InfillResult> Results => All.SelectMany(one => one.Results);

    private int Tokens => All.Sum(one => one.Tokens);

    private int LaterTokens => All.Sum(one => one.LaterTokens);

    /// <summary>Takes an observation.</summary>
    /// <param name="text">The text, or the first of the batch.</param>
    /// <param name="observation">What it took.</param>
    public void Add(int text, Observation observation) => _observations.Add((text, observation));

    /// <summary>What became of the draft tokens of a source, as far as the sampler tells.</summary>
    public DraftCounts Drafts(DraftSource source) => Results.Select(result => result.Drafts.GetValueOrDefault(source)).Aggregate(
        default(DraftCounts), (sum, more) => sum + more);

    /// <summary>Milliseconds per token after the first forward pass if passes cost something else; NaN if the first one left none.</summary>
    /// <param name="cost">Milliseconds of a pass by its content and query tokens.</param>
    public double DecodingMillisecondsPerTokenAt(Func<int, int, double> cost) => All.Sum(one => one.LaterMillisecondsAt(cost)) / LaterTokens;

    /// <summary>Tokens per forward pass over those of another sampler on the same texts with the same seeds.</summary>
    public Estimate? TokensPerForwardPassOver(SamplerTally other) => Over(other, one => new(one.Tokens, one.ForwardPasses));

    /// <summary>Time per token of another sampler over that of this one: above 1 this one is faster.</summary>
    public Estimate? SpeedOver(SamplerTally other) => Over(other, one => new(one.Tokens, one.Milliseconds));

    /// <summary>The same after the first forward pass.</summary>
    public Estimate? DecodingSpeedOver(SamplerTally other) => Over(other, one => new(one.LaterTokens, one.LaterMilliseconds));

    /// <summary>The same after the first forward pass if passes cost something else.</summary>
    /// <param name="other">The other sampler.</param>
    /// <param name="cost">Milliseconds of a pass by its content and query tokens.</param>
    public Estimate? DecodingSpeedOver(SamplerTally other, Func<int, int, double> cost) => Over(other, one => new(one.LaterTokens, one.LaterMillisecondsAt(cost)));

    /// <summary>Paired by text, as some texts are harder than others.</summary>
    private Estimate? Over(SamplerTally other, Func<Observation, Rate> rate)
    {
        ArgumentNullException.ThrowIfNull(other);
        return Estimate.OfRatio([.. Rates(rate).Zip(other.Rates(rate))]);
    }

    private IEnumerable<Rate> Rates(Func<Observation, Rate> rate) => unit == IntervalUnit.Text
        ? _observations.GroupBy(one => one.Text, one => rate(one.Observation)).Select(Rate.Sum)
        : All.Select(rate);
}
