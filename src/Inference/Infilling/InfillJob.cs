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
/// A request that is being filled: its encoded text, options and random numbers. Its sampler, which has many buffers of the size of the vocabulary,
/// exists only from the first forward pass of a window to the last, so that waiting requests need little memory.
/// </summary>
internal sealed class InfillJob
{
    private readonly WindowedText _text;
    private readonly FilledWindows _filled = new();
    private readonly InfillSetting _setting;
    private readonly DraftMode _mode;
    private readonly long _seed;
    private readonly SplitMix64 _random, _orderRandom; // separate, so that the order does not affect the random numbers of the tokens
    private readonly Stopwatch _time = new();
    private InfillOptions _options; // with the bans of the current window
    private Order _order; // of the current window
    private Sampler? _sampler;
    private InfillResult? _result;

    /// <param name="text">The encoded text.</param>
    /// <param name="options">The options of the request.</param>
    /// <param name="setting">The settings of the infiller. Its n-grams are read only during <see cref="Start" /> and forward passes.</param>
    /// <param name="mode">The draft mode unless the options name one.</param>
    /// <exception cref="ArgumentOutOfRangeException">An option is out of range.</exception>
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

    /// <summary>Whether all windows are completed (<see cref="CompleteWindow" />), or the job has failed.</summary>
    public bool IsDone => _result is not null || Error is not null;

    /// <summary>The error that it failed with; null if it has not failed.</summary>
    public Exception? Error { get; private set; }

    /// <summary>The statistics so far; the job must have been started.</summary>
    public SamplingStatistics Statistics =>
        _result?.Statistics ?? (_time.IsRunning ? _filled.StatisticsWith(_sampler) : throw new InvalidOperationException("The job has not been started."));

    /// <summary>Adds the sampler of the current window to a loop. Requires exclusive use of the model.</summary>
    public void Start(SamplingLoop loop)
    {
        _time.Start();
        _sampler = CreateSampler();
        loop.Add(_sampler, _random);
    }

    /// <summary>Throws the error that the job failed with, if any.</summary>
    public void ThrowIfFailed()
    {
        if (Error is not null)
            ExceptionDispatchInfo.Throw(Error);
    }

    /// <summary>
    /// Completes the current window if all its targets are committed: stores its text and releases the sampler. To be called after every step of the loop.
    /// </summary>
    /// <returns>Whether there is another window, for which <see cref="Start" /> has to be called.</returns>
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
            Error = error; // the next window cannot be encoded; other jobs are not affected
            return false;
        }

        _time.Stop();
        _result = _filled.Result(_text.ToString(), _seed, _time.Elapsed) with { Warning = _text.Warning };
        return false;
    }

    /// <summary>Whether a sampler is that of this job.</summary>
    public bool IsSampledBy(Sampler sampler) => ReferenceEquals(_sampler, sampler);

    /// <summary>Ends the job with an error; its sampler must have left the loop.</summary>
    public void Fail(Exception error)
    {
        Error = error;
        _sampler = null;
    }

    /// <summary>The result; the job must be done, without an error.</summary>
    public InfillResult Result() => _result ?? throw new InvalidOperationException("The job is not done.");

    /// <summary>The text and the statistics so far; the job must have been started.</summary>
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
            SamplerKind.Fused when _order.TargetCount > 1 && _setting.CreatePolicy(_options, _mode) is { MaxDraftTokens: > 0 } policy =>
                new FusedSampler(_order, tokens, _options, vocabularySize, policy, _setting.Ngrams, corpusWeight: _setting.CorpusWeight),
            SamplerKind.Fused => new SequentialSampler(_order, tokens, _options, vocabularySize), // equivalent without drafts, and needs no draft buffers
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
