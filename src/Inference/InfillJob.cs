using System.Diagnostics;
using System.Security.Cryptography;
using AsArm.Assd;

namespace AsArm.Inference;

/// <summary>
/// One request on its way: its encoded text, its law and its coins. Its sampler, which holds many rows of the vocabulary, is there from
/// the first model call to the last only, so that requests may wait in any number.
/// </summary>
internal sealed class InfillJob
{
    private static readonly DraftSource[] s_sources = [DraftSource.Ngram, DraftSource.Network, DraftSource.Product];
    private readonly InfillText _text;
    private readonly Order _order;
    private readonly InfillOptions _options;
    private readonly InfillSetting _setting;
    private readonly bool _inBatch;
    private readonly long _seed;
    private readonly Stopwatch _time = new();
    private Sampler? _sampler;
    private InfillResult? _result;

    /// <param name="text">The encoded text.</param>
    /// <param name="options">How to fill it.</param>
    /// <param name="setting">The infiller's; its n-grams are read only while the model may be used.</param>
    /// <param name="inBatch">Whether it is to share its calls with others.</param>
    /// <exception cref="ArgumentOutOfRangeException">An option is out of its range.</exception>
    public InfillJob(InfillText text, InfillOptions options, InfillSetting setting, bool inBatch)
    {
        _text = text;
        _seed = options.Seed ?? RandomNumberGenerator.GetInt32(int.MaxValue);
        _options = options with { BannedTokens = [.. setting.Banned.Union(options.BannedTokens)] };
        _options.RequireRanges(setting.Manifest.VocabularySize);
        _order = CreateOrder(options.Order, text.Given, _seed);
        _setting = setting;
        _inBatch = options.InBatch ?? inBatch;
    }

    /// <summary>Every target is decided, and <see cref="Watch" /> has seen it.</summary>
    public bool IsDone => _result is not null;

    /// <summary>Counts so far; it must have entered a loop.</summary>
    public SamplingStatistics Statistics =>
        _result?.Statistics ?? _sampler?.Statistics ?? throw new InvalidOperationException("Not under way yet.");

    /// <summary>Starts it in a loop; to be called while the model may be used.</summary>
    public void Enter(SamplingLoop loop)
    {
        _time.Start();
        _sampler = CreateSampler();
        loop.Add(_sampler, new SeededCoins(_seed));
    }

    /// <summary>To be called after every step: once everything is decided, keeps the result and lets go of the sampler.</summary>
    public void Watch()
    {
        if (_sampler is not { IsDone: true } sampler)
            return;
        _time.Stop();
        string[] gaps = DecodeGaps(sampler);
        _result = new InfillResult(_text.Fill(gaps), gaps, sampler.Statistics, _seed, _time.Elapsed)
        {
            Drafts = sampler is FusedSampler fused ? s_sources.ToDictionary(source => source, fused.Counts) : new(),
            Sequence = new FilledSequence(_order, [.. sampler.Tokens], _options, _setting.Manifest.Identity),
        };
        _sampler = null;
    }

    /// <summary>The filled text; it must be done.</summary>
    public InfillResult Result() => _result ?? throw new InvalidOperationException("Not every target is decided.");

    /// <summary>The text so far; it must have entered a loop.</summary>
    public InfillUpdate Update()
    {
        if (_result is not null)
            return new(_result.Text, _result.Statistics, true);
        Sampler sampler = _sampler ?? throw new InvalidOperationException("Not under way yet.");
        return new(_text.Fill(DecodeGaps(sampler)), sampler.Statistics, false);
    }

    private Sampler CreateSampler()
    {
        int[] tokens = _text.Tokens;
        int vocabularySize = _setting.Manifest.VocabularySize;
        return _options.Sampler switch
        {
            SamplerKind.Fused when CreatePlan() is { MaximumProposals: > 0 } plan =>
                new FusedSampler(_order, tokens, _options, vocabularySize, plan, _setting.Ngrams),
            SamplerKind.Fused => new SequentialSampler(_order, tokens, _options, vocabularySize), // the same without memory for drafts
            SamplerKind.Assd => new AssdSampler(_order, tokens, _options, vocabularySize),
            SamplerKind.Ngram => new NgramSampler(_order, tokens, _options, vocabularySize),
            SamplerKind.Sequential => new SequentialSampler(_order, tokens, _options, vocabularySize),
            SamplerKind.Parallel => new ParallelSampler(_order, tokens, _options, vocabularySize),
            _ => throw new UnreachableException(),
        };
    }

    private IDraftPlan CreatePlan()
    {
        CallCost cost = CallCosts.Of(_setting.Manifest, _setting.Device, _options.CallCostInRows, _inBatch);
        return _inBatch ? AdaptiveDraftPlan.Uniform(cost, _options.DraftLength) : new AdaptiveDraftPlan(cost, _options.DraftLength);
    }

    private static Order CreateOrder(DecodingOrder order, bool[] given, long seed) => order switch
    {
        DecodingOrder.LeftToRight => Order.LeftToRight(given),
        DecodingOrder.RightToLeft => Order.RightToLeft(given),
        DecodingOrder.Random => Order.Random(given, new SeededCoins(~seed)), // coins of their own: the tokens' stay untouched
        _ => throw new UnreachableException(),
    };

    private string[] DecodeGaps(Sampler sampler)
    {
        var decided = new bool[sampler.Tokens.Length];
        foreach (int position in _order.Positions[..sampler.Decided])
            decided[position] = true;
        return _text.DecodeGaps(sampler.Tokens, decided);
    }
}
