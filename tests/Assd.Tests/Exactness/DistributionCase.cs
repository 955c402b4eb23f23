using AsArm.Assd.Distributions;
using AsArm.Assd.Ordering;
using AsArm.Assd.Randomness;
using AsArm.Assd.Samplers;
using AsArm.Assd.Tests.Support;
using AsArm.Assd.Tests.Support.Models;

namespace AsArm.Assd.Tests.Exactness;

/// <summary>A task that is small enough to enumerate, with its exact joint distribution.</summary>
internal sealed class DistributionCase
{
    private const int Samples = 20_000;

    public DistributionCase(RowModel model, Order order, SamplingOptions options)
    {
        Model = model;
        Order = order;
        Options = options;
        Tokens = [.. Enumerable.Range(0, order.Length).Select(position => position % 2)];
        Conditionals = new(model, order, Tokens, options);
        Joint = ExactDistribution.Joint(Conditionals);
    }

    public RowModel Model { get; }

    public Order Order { get; }

    public SamplingOptions Options { get; }

    public int DraftLength => Options.DraftLength ?? SamplingOptions.DefaultDraftLength;

    public int[] Tokens { get; }

    public ReferenceConditionals Conditionals { get; }

    /// <summary>[V^targets] the exact joint distribution.</summary>
    public double[] Joint { get; }

    /// <summary>Compares samples of a sampler of the library with the joint distribution; also returns the mean NFE.</summary>
    public GoodnessOfFitResult Test(SamplerKind kind, long seed, out double meanNfe) => Test(kind, seed, Joint, out meanNfe);

    /// <summary>Compares samples of a sampler of the library with another distribution [V^targets].</summary>
    public GoodnessOfFitResult Test(SamplerKind kind, long seed, double[] expected) => Test(kind, seed, expected, out _);

    private GoodnessOfFitResult Test(SamplerKind kind, long seed, double[] expected, out double meanNfe)
    {
        var counts = new int[Joint.Length];
        var random = new SplitMix64(seed);
        long nfe = 0;
        for (int i = 0; i < Samples; i++)
        {
            Sampler sampler = Decoding.Create(kind, Order, Tokens, Options, Model.VocabularySize);
            Decoding.Run(sampler, Model, random);
            counts[Outcome.Index(sampler, Model.VocabularySize)]++;
            nfe += sampler.Statistics.Nfe;
        }

        meanNfe = (double)nfe / Samples;
        return GoodnessOfFit.Compare(counts, expected);
    }

    /// <summary>Compares samples of the reference sampler, with or without a flaw, with the joint distribution.</summary>
    public GoodnessOfFitResult Test(Flaw flaw, long seed)
    {
        ReferenceConditionals conditionals = flaw == Flaw.MaskNotRenormalised
            ? new(Model, Order, Tokens, Options, renormalise: false)
            : Conditionals;
        var sampler = new ReferenceSampler(conditionals, DraftLength, flaw);
        var counts = new int[Joint.Length];
        var random = new SplitMix64(seed);
        for (int i = 0; i < Samples; i++)
            counts[Outcome.Index(sampler.Run(random), Model.VocabularySize)]++;
        return GoodnessOfFit.Compare(counts, Joint);
    }
}
