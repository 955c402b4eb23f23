using System.Diagnostics;
using System.Security.Cryptography;
using AsArm.Assd;

namespace AsArm.Inference;

/// <summary>One request on its way: its encoded text, its sampler and its coins.</summary>
internal sealed class InfillJob
{
    private static readonly DraftSource[] s_sources = [DraftSource.Ngram, DraftSource.Network, DraftSource.Product];
    private readonly InfillText _text;
    private readonly SamplingOptions _law;
    private readonly Stopwatch _time = new();

    /// <summary>A job that has not begun.</summary>
    /// <param name="text">The request's text.</param>
    /// <param name="options">Its options.</param>
    /// <param name="setting">The infiller's.</param>
    /// <param name="inBatch">Whether it is to share its calls with others.</param>
    public InfillJob(InfillText text, InfillOptions options, InfillSetting setting, bool inBatch)
    {
        _text = text;
        Seed = options.Seed ?? RandomNumberGenerator.GetInt32(int.MaxValue);
        _law = options with { BannedTokens = [.. setting.Banned.Union(options.BannedTokens)] };
        Order order = CreateOrder(options.Order, text.Given, Seed);
        Sampler = options.Sampler == SamplerKind.Fused
            ? CreateFused(order, text.Tokens, _law, setting, CallCosts.Of(setting.Manifest, setting.Device, options.CallCostInRows, inBatch), inBatch)
            : CreateSampler(options.Sampler, order, text.Tokens, _law, setting.Manifest.VocabularySize);
        Coins = new SeededCoins(Seed);
    }

    public long Seed { get; }

    public Sampler Sampler { get; }

    public ICoinSource Coins { get; }

    /// <summary>Starts it in a loop.</summary>
    public void Enter(SamplingLoop loop)
    {
        _time.Start();
        loop.Add(Sampler, Coins);
    }

    /// <summary>To be called after every step: stops the clock once everything is decided.</summary>
    public void Watch()
    {
        if (Sampler.IsDone)
            _time.Stop();
    }

    /// <summary>The filled text; every target must be decided.</summary>
    public InfillResult Result()
    {
        string[] gaps = DecodeGaps();
        return new InfillResult(_text.Fill(gaps), gaps, Sampler.Statistics, Seed, _time.Elapsed)
        {
            Drafts = Sampler is FusedSampler fused ? s_sources.ToDictionary(source => source, fused.Counts) : new(),
            Sequence = new FilledSequence(Sampler.Call.Order, [.. Sampler.Tokens], _law),
        };
    }

    /// <summary>The text so far.</summary>
    public InfillUpdate Update() => new(_text.Fill(DecodeGaps()), Sampler.Statistics, Sampler.IsDone);

    private static FusedSampler CreateFused(Order order, int[] tokens, SamplingOptions law, InfillSetting setting, CallCost cost, bool inBatch)
    {
        IDraftPlan plan = inBatch ? AdaptiveDraftPlan.Uniform(cost, law.DraftLength) : new AdaptiveDraftPlan(cost, law.DraftLength);
        return new FusedSampler(order, tokens, law, setting.Manifest.VocabularySize, plan, setting.Ngrams);
    }

    private static Sampler CreateSampler(SamplerKind kind, Order order, int[] tokens, SamplingOptions law, int vocabularySize) => kind switch
    {
        SamplerKind.Assd => new AssdSampler(order, tokens, law, vocabularySize),
        SamplerKind.Ngram => new NgramSampler(order, tokens, law, vocabularySize),
        SamplerKind.Sequential => new SequentialSampler(order, tokens, law, vocabularySize),
        SamplerKind.Parallel => new ParallelSampler(order, tokens, law, vocabularySize),
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, "No such sampler."),
    };

    private static Order CreateOrder(DecodingOrder order, bool[] given, long seed) => order switch
    {
        DecodingOrder.LeftToRight => Order.LeftToRight(given),
        DecodingOrder.RightToLeft => Order.RightToLeft(given),
        DecodingOrder.Random => Order.Random(given, new SeededCoins(~seed)), // coins of their own: the tokens' stay untouched
        _ => throw new ArgumentOutOfRangeException(nameof(order), order, "No such order."),
    };

    private string[] DecodeGaps()
    {
        var decided = new bool[Sampler.Tokens.Length];
        foreach (int position in Sampler.Call.Order.Positions[..Sampler.Decided])
            decided[position] = true;
        return _text.DecodeGaps(Sampler.Tokens, decided);
    }
}
