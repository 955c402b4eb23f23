using System.Diagnostics;
using System.Security.Cryptography;
using AsArm.Assd.Ordering;
using AsArm.Assd.Randomness;
using AsArm.Assd.Samplers;
using AsArm.Inference.Text;

namespace AsArm.Inference.Infilling;

/// <summary>
/// A request that is being filled: its encoded text, options and random numbers. Its sampler, which has many buffers of the size of the vocabulary,
/// exists only from the first forward pass of a window to the last, so that waiting requests need little memory.
/// </summary>
internal sealed class InfillJob : IInfillJob
{
    private readonly WindowedText _text;
    private readonly FilledWindows _filled;
    private readonly InfillSetting _setting;
    private readonly DraftMode _mode;
    private readonly long _seed;
    private readonly SplitMix64 _random, _orderRandom; // separate, so that the order does not affect the random numbers of the tokens
    private readonly Stopwatch _time = new();
    private InfillOptions _options; // with the bans of the current window
    private Order _order; // of the current window
    private Sampler? _sampler;
    private FilledSequence? _sequence; // the current window, once it is filled
    private InfillResult? _result;
    private int _reported; // targets of the current window
    private TimeSpan? _firstToken;

    /// <param name="text">The encoded text.</param>
    /// <param name="options">The options of the request.</param>
    /// <param name="setting">The settings of the infiller. Its n-grams are read only during <see cref="Start(int)" /> and forward passes.</param>
    /// <param name="mode">The draft mode unless the options name one.</param>
    /// <exception cref="ArgumentOutOfRangeException">An option is out of range.</exception>
    public InfillJob(WindowedText text, InfillOptions options, InfillSetting setting, DraftMode mode)
    {
        _text = text;
        _seed = options.Seed ?? RandomNumberGenerator.GetInt32(int.MaxValue);
        options.RequireRanges(setting.Manifest.VocabularySize);
        options.RequireNoPositions();
        _options = options with { BannedTokens = [.. setting.Banned.Union(options.BannedTokens)], BannedTokensAt = text.Current.BannedAt };
        InfillOptions.RequireTokensAt(_options, setting.Manifest.VocabularySize);
        (_random, _orderRandom) = (new SplitMix64(_seed), new SplitMix64(~_seed));
        _order = CreateOrder();
        _filled = new FilledWindows(InfillSamplers.AccuracyOf(options.Sampler));
        _setting = setting;
        _mode = options.DraftMode ?? mode;
    }

    /// <summary>Receives what each forward pass has done; null if nobody is interested.</summary>
    public Action<SequenceProgress>? Progress { get; init; }

    /// <inheritdoc />
    public bool HasMore => _text.HasMore;

    /// <summary>The statistics so far.</summary>
    public SamplingStatistics Statistics => _sequence is FilledSequence sequence ? FilledWindows.Sum(_filled.Statistics, sequence.Statistics) : _filled.StatisticsWith(_sampler);

    /// <inheritdoc />
    public (Sampler Sampler, IRandomSource Random) Start(int index)
    {
        _time.Start();
        return (_sampler = InfillSamplers.Create(_order, _text.Current.Tokens, _options, _setting, _mode), _random);
    }

    /// <inheritdoc />
    public void OnForwardPass()
    {
        if (_firstToken is null && _sampler!.LogProbabilities.Length > 0)
            _firstToken = _time.Elapsed;
        if (Progress is null)
            return;
        Progress(SequenceProgress.Since(_sampler!, _reported, Statistics));
        _reported = _sampler!.LogProbabilities.Length;
    }

    /// <inheritdoc />
    public void EndSequence(int index)
    {
        _time.Stop();
        _sequence = FilledSequence.Of(_sampler!, _options, _setting.Manifest.Identity);
        _sampler = null;
        _reported = 0;
    }

    /// <inheritdoc />
    public void MoveNext()
    {
        CompleteWindow();
        _options = _options with { BannedTokensAt = _text.Current.BannedAt };
        InfillOptions.RequireTokensAt(_options, _setting.Manifest.VocabularySize);
        _order = CreateOrder();
    }

    /// <inheritdoc />
    public InfillResult Result()
    {
        if (_result is not null)
            return _result;
        if (_sequence is null || HasMore)
            throw new InvalidOperationException("The job is not done.");
        CompleteWindow();
        return _result = _filled.Result(_text.ToString(), _seed, _time.Elapsed) with { Warning = _text.Warning, FirstTokenElapsed = _firstToken };
    }

    /// <summary>Decodes the current window, and moves to the next one if there is any.</summary>
    private void CompleteWindow()
    {
        InfillText text = _text.Current;
        string[] gaps = _filled.Add(_sequence!, text, _text.Start);
        _sequence = null;
        _text.MoveNext(text.Fill(gaps));
    }

    private Order CreateOrder() => _options.Order switch
    {
        DecodingOrder.LeftToRight => Order.LeftToRight(_text.Current.Given),
        DecodingOrder.RightToLeft => Order.RightToLeft(_text.Current.Given),
        DecodingOrder.Random => Order.Random(_text.Current.Given, _orderRandom),
        _ => throw new UnreachableException(),
    };
}
