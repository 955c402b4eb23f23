using System.Diagnostics;
using System.Runtime.ExceptionServices;
using System.Security.Cryptography;
using AsArm.Assd.Ordering;
using AsArm.Assd.Randomness;
using AsArm.Assd.Samplers;
using AsArm.Assd.Samplers.Fused;
using AsArm.Inference.Text;

namespace AsArm.Inference.Infilling;

/// <summary>
/// One request on its way: its encoded text, its distribution and its random numbers. Its sampler, which holds many rows of the vocabulary, is there from
/// the first forward pass to the last only, so that requests may wait in any number.
/// </summary>
internal sealed class InfillJob
{
    private readonly WindowedText _text;
    private readonly FilledWindows _filled = new();
    private readonly InfillSetting _setting;
    private readonly DraftMode _mode;
    private readonly long _seed;
    private readonly SplitMix64 _random, _orderRandom; // of their own, so that the order leaves the tokens' random numbers untouched
    private readonly Stopwatch _time = new();
    private InfillOptions _options; // with the bans of the current window
    private Order _order; // of the current window
    private Sampler? _sampler;
    private InfillResult? _result;

    /// <param name="text">The encoded text.</param>
    /// <param name="options">How to fill it.</param>
    /// <param name="setting">The infiller's; its n-grams are read only while the model may be used.</param>
    /// <param name="mode">The mode of requests that do not name one.</param>
    /// <exception cref="ArgumentOutOfRangeException">An option is out of its range.</exception>
    public InfillJob(WindowedText text, InfillOptions options, InfillSetting setting, DraftMode mode)
    {
        _text = text;
        _seed = options.Seed ?? RandomNumberGenerator.GetInt32(int.MaxValue);
        options.RequireNoPositions();
        _options = options with { BannedTokens = [.. setting.Banned.Union(options.BannedTokens)], BannedTokensAt = text.Current.BannedAt };
        _options.RequireTokensAt(setting.Manifest.VocabularySize);
        _options.RequireRanges(setting.Manifest.VocabularySize);
        (_random, _orderRandom) = (new SplitMix64(_seed), new SplitMix64(~_seed));
        _order = CreateOrder();
        _setting = setting;
        _mode = options.DraftMode ?? mode;
    }

    /// <summary>Every target is decided, and <see cref="CompleteWindow" /> has seen it; or it failed.</summary>
    public bool IsDone => _result is not null || Error is not null;

    /// <summary>Why it failed.</summary>
    public Exception? Error { get; private set; }

    /// <summary>Counts so far; it must have entered a loop.</summary>
    public SamplingStatistics Statistics =>
        _result?.Statistics ?? (_time.IsRunning ? _filled.StatisticsWith(_sampler) : throw new InvalidOperationException("Not under way yet."));

    /// <summary>Starts it, or its next window, in a loop; to be called while the model may be used.</summary>
    public void Start(SamplingLoop loop)
    {
        _time.Start();
        _sampler = CreateSampler();
        loop.Add(_sampler, _random);
    }

    /// <summary>Throws what it failed with, if it did.</summary>
    public void ThrowIfFailed()
    {
        if (Error is not null)
            ExceptionDispatchInfo.Throw(Error);
    }

    /// <summary>
    /// To be called after every step: once everything of a window is decided, keeps the result and releases the sampler.
    /// </summary>
    /// <returns>Whether there is another window, with which the job has to enter the loop again.</returns>
    public bool CompleteWindow()
    {
        if (_sampler is not { IsDone: true } sampler)
            return false;
        string[] gaps = DecodeGaps(sampler);
        _filled.Add(sampler, gaps, new FilledSequence(_order, [.. sampler.Tokens], _options, _setting.Manifest.Identity));
        _sampler = null;
        try
        {
            if (MoveNext(_text.Current.Fill(gaps)))
                return true;
        }
        catch (Exception error) when (error is InfillTextException or ArgumentException)
        {
            Error = error; // the next window cannot be filled; other texts can
            return false;
        }

        _time.Stop();
        _result = _filled.Result(_text.ToString(), _seed, _time.Elapsed) with { Warning = _text.Warning };
        return false;
    }

    /// <summary>Whether the sampler is this job's.</summary>
    public bool IsSampledBy(Sampler sampler) => ReferenceEquals(_sampler, sampler);

    /// <summary>Ends it without a result; its sampler has left the loop.</summary>
    public void Fail(Exception error)
    {
        Error = error;
        _sampler = null;
    }

    /// <summary>The filled text; it must be done.</summary>
    public InfillResult Result() => _result ?? throw new InvalidOperationException("Not every target is decided.");

    /// <summary>The text so far; it must have entered a loop.</summary>
    public InfillUpdate Update()
    {
        if (_result is not null)
            return new(_result.Text, _result.Statistics, true);
        return new(_text.WithCurrent(_text.Current.Fill(DecodeGaps(_sampler))), Statistics, false);
    }

    private bool MoveNext(string filled)
    {
        if (!_text.MoveNext(filled))
            return false;
        _options = _options with { BannedTokensAt = _text.Current.BannedAt };
        _options.RequireTokensAt(_setting.Manifest.VocabularySize);
        _order = CreateOrder();
        return true;
    }

    private Sampler CreateSampler()
    {
        int[] tokens = _text.Current.Tokens;
        int vocabularySize = _setting.Manifest.VocabularySize;
        return _options.Sampler switch
        {
            SamplerKind.Fused when _order.TargetCount > 1 && _setting.CreatePolicy(_options, _mode) is { MaxDraftTokens: > 0 } plan =>
                new FusedSampler(_order, tokens, _options, vocabularySize, plan, _setting.Ngrams, corpusWeight: _setting.CorpusWeight),
            SamplerKind.Fused => new SequentialSampler(_order, tokens, _options, vocabularySize), // the same without memory for drafts
            SamplerKind.Assd => new AssdSampler(_order, tokens, _options, vocabularySize),
            SamplerKind.Ngram => new NgramSampler(_order, tokens, _options, vocabularySize),
            SamplerKind.Sequential => new SequentialSampler(_order, tokens, _options, vocabularySize),
            SamplerKind.Parallel => new ParallelSampler(_order, tokens, _options, vocabularySize),
            _ => throw new UnreachableException(),
        };
    }

    private Order CreateOrder() => _options.Order switch
    {
        DecodingOrder.LeftToRight => Order.LeftToRight(_text.Current.Given),
        DecodingOrder.RightToLeft => Order.RightToLeft(_text.Current.Given),
        DecodingOrder.Random => Order.Random(_text.Current.Given, _orderRandom),
        _ => throw new UnreachableException(),
    };

    /// <param name="sampler">Null before the window's first forward pass.</param>
    private string[] DecodeGaps(Sampler? sampler)
    {
        int[] tokens = sampler is null ? _text.Current.Tokens : [.. sampler.Tokens];
        var committed = new bool[tokens.Length];
        foreach (int position in _order.Positions[..(sampler?.Committed ?? 0)])
            committed[position] = true;
        return _text.Current.DecodeGaps(tokens, committed);
    }
}
