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
    private readonly InfillText _text;
    private readonly Order _order;
    private readonly InfillOptions _options;
    private readonly int _vocabularySize;
    private readonly NgramTable? _ngrams;
    private readonly long _seed;
    private readonly Stopwatch _time = new();
    private Sampler? _sampler;
    private InfillResult? _result;

    /// <param name="text">The encoded text.</param>
    /// <param name="options">How to fill it.</param>
    /// <param name="banned">Tokens that are never generated, whatever the options say.</param>
    /// <param name="vocabularySize">V of the model.</param>
    /// <param name="ngrams">Corpus n-grams, if the folder has them; read only while the model may be used.</param>
    /// <exception cref="ArgumentOutOfRangeException">An option is out of its range.</exception>
    public InfillJob(InfillText text, InfillOptions options, IReadOnlyCollection<int> banned, int vocabularySize, NgramTable? ngrams)
    {
        _text = text;
        _seed = options.Seed ?? RandomNumberGenerator.GetInt32(int.MaxValue);
        _options = options with { BannedTokens = [.. banned.Union(options.BannedTokens)] };
        _options.Validate(vocabularySize);
        if (!Enum.IsDefined(options.Sampler))
            throw new ArgumentOutOfRangeException(nameof(options), options.Sampler, "No such sampler.");
        _order = CreateOrder(options.Order, text.Given, _seed);
        _vocabularySize = vocabularySize;
        _ngrams = ngrams;
    }

    /// <summary>Every target is decided, and <see cref="Watch" /> has seen it.</summary>
    public bool IsDone => _result is not null;

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
        _result = new InfillResult(_text.Fill(gaps), gaps, sampler.Statistics, _seed, _time.Elapsed);
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
        return _options.Sampler switch
        {
            // The cost is a constant: were it measured, or that of a batch, the same seed could give another text the next time.
            SamplerKind.Fused => new FusedSampler(
                _order, tokens, _options, _vocabularySize, new AdaptiveDraftPlan(CallCost.Typical, _options.DraftLength), _ngrams),
            SamplerKind.Assd => new AssdSampler(_order, tokens, _options, _vocabularySize),
            SamplerKind.Ngram => new NgramSampler(_order, tokens, _options, _vocabularySize),
            SamplerKind.Sequential => new SequentialSampler(_order, tokens, _options, _vocabularySize),
            SamplerKind.Parallel => new ParallelSampler(_order, tokens, _options, _vocabularySize),
            _ => throw new UnreachableException(),
        };
    }

    private static Order CreateOrder(DecodingOrder order, bool[] given, long seed) => order switch
    {
        DecodingOrder.LeftToRight => Order.LeftToRight(given),
        DecodingOrder.RightToLeft => Order.RightToLeft(given),
        DecodingOrder.Random => Order.Random(given, new SeededCoins(~seed)), // coins of their own: the tokens' stay untouched
        _ => throw new ArgumentOutOfRangeException(nameof(order), order, "No such order."),
    };

    private string[] DecodeGaps(Sampler sampler)
    {
        var decided = new bool[sampler.Tokens.Length];
        foreach (int position in _order.Positions[..sampler.Decided])
            decided[position] = true;
        return _text.DecodeGaps(sampler.Tokens, decided);
    }
}
