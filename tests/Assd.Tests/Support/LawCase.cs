namespace AsArm.Assd.Tests;

/// <summary>A task small enough to enumerate, with its exact law.</summary>
internal sealed class LawCase
{
    private const int Samples = 20_000;

    public LawCase(RowModel model, Order order, SamplingOptions options)
    {
        Model = model;
        Order = order;
        Options = options;
        Tokens = [.. Enumerable.Range(0, order.Length).Select(position => position % 2)];
        Conditionals = new(model, order, Tokens, options);
        Joint = ExactLaw.Joint(Conditionals);
    }

    public RowModel Model { get; }

    public Order Order { get; }

    public SamplingOptions Options { get; }

    public int DraftLength => Options.DraftLength ?? SamplingOptions.UsualDraftLength;

    public int[] Tokens { get; }

    public ReferenceConditionals Conditionals { get; }

    /// <summary>[V^targets].</summary>
    public double[] Joint { get; }

    /// <summary>Compares a sampler of the library with the joint; says how many calls it made on average.</summary>
    public LawTestResult Test(SamplerKind kind, long seed, out double meanNfe) => Test(kind, seed, Joint, out meanNfe);

    /// <summary>Compares a sampler of the library with another distribution [V^targets].</summary>
    public LawTestResult Test(SamplerKind kind, long seed, double[] expected) => Test(kind, seed, expected, out _);

    private LawTestResult Test(SamplerKind kind, long seed, double[] expected, out double meanNfe)
    {
        var counts = new int[Joint.Length];
        var coins = new SeededCoins(seed);
        long nfe = 0;
        for (int i = 0; i < Samples; i++)
        {
            Sampler sampler = Decoding.Create(kind, Order, Tokens, Options, Model.VocabularySize);
            Decoding.Run(sampler, Model, coins);
            counts[Outcome.Index(sampler, Model.VocabularySize)]++;
            nfe += sampler.Statistics.Nfe;
        }

        meanNfe = (double)nfe / Samples;
        return LawTest.Compare(counts, expected);
    }

    /// <summary>Compares the reference sampler, right or flawed, with the joint.</summary>
    public LawTestResult Test(Flaw flaw, long seed)
    {
        ReferenceConditionals conditionals = flaw == Flaw.MaskNotRenormalised
            ? new(Model, Order, Tokens, Options, renormalise: false)
            : Conditionals;
        var sampler = new ReferenceSampler(conditionals, DraftLength, flaw);
        var counts = new int[Joint.Length];
        var coins = new SeededCoins(seed);
        for (int i = 0; i < Samples; i++)
            counts[Outcome.Index(sampler.Run(coins), Model.VocabularySize)]++;
        return LawTest.Compare(counts, Joint);
    }
}
