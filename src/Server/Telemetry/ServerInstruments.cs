using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace AsArm.Server.Telemetry;

/// <summary>The histograms of the server.</summary>
internal sealed class ServerInstruments
{
    /// <summary>Name of the <see cref="Meter" />.</summary>
    public const string MeterName = "AsArm.Server";

    private readonly Histogram<double> _duration, _firstToken, _perToken;

    /// <param name="meters">Makes the meter, which belongs to the server.</param>
    public ServerInstruments(IMeterFactory meters)
    {
        Meter meter = meters.Create(MeterName);
        _duration = Create(GenAiConventions.RequestDuration, "Time from the headers of a request to the end of its answer.", GenAiConventions.RequestDurationBuckets);
        _firstToken = Create(GenAiConventions.TimeToFirstToken, "Time from the headers of a successful request to its first token.", GenAiConventions.TimeToFirstTokenBuckets);
        _perToken = Create(GenAiConventions.TimePerOutputToken, "Time per token after the first one of a successful request.", GenAiConventions.TimePerOutputTokenBuckets);

        Histogram<double> Create(string name, string description, IReadOnlyList<double> buckets) =>
            meter.CreateHistogram(name, "s", description, tags: null, new InstrumentAdvice<double> { HistogramBucketBoundaries = buckets });
    }

    /// <summary>Records a request that has ended.</summary>
    /// <param name="operation">What it asked for.</param>
    /// <param name="model">The model, one of the settings; null if it came to none.</param>
    /// <param name="error">The kind of its error; null if it was successful.</param>
    /// <param name="duration">Its time.</param>
    /// <param name="firstToken">The time to its first token; null without tokens.</param>
    /// <param name="tokens">The number of tokens generated.</param>
    public void Record(string operation, string? model, string? error, TimeSpan duration, TimeSpan? firstToken, int tokens)
    {
        var tags = new TagList { { GenAiConventions.OperationName, operation }, { GenAiConventions.ProviderName, GenAiConventions.Provider } };
        if (model is not null)
            tags.Add(GenAiConventions.RequestModel, model);
        if (model is not null && error is null)
            tags.Add(GenAiConventions.ResponseModel, model);
        if (error is null && firstToken is TimeSpan first)
        {
            _firstToken.Record(first.TotalSeconds, tags);
            if (tokens > 1)
                _perToken.Record((duration - first).TotalSeconds / (tokens - 1), tags);
        }

        if (error is not null)
            tags.Add(GenAiConventions.ErrorType, error);
        _duration.Record(duration.TotalSeconds, tags);
    }
}
