using System.Diagnostics;
using System.Globalization;
using AsArm.Server.Fields;
using Microsoft.AspNetCore.Http.Features;

namespace AsArm.Server.Telemetry;

/// <summary>
/// What is measured of a request, or of a line of a body of lines, which is a request of its own. It knows names of models and kinds of errors, and no text.
/// Thread-safe, as texts of a request are filled at the same time.
/// </summary>
/// <param name="instruments">Where it is recorded.</param>
/// <param name="operation">What is asked for.</param>
internal sealed class RequestMeasurement(ServerInstruments instruments, string operation)
{
    /// <summary>The error of a request whose client has gone away.</summary>
    public const string Cancelled = "cancelled";

    /// <summary>The error of a line under way when a line behind it was refused with the whole body.</summary>
    public const string BodyFailed = "body";

    private readonly Lock _lock = new();
    private readonly long _start = Stopwatch.GetTimestamp();
    private long? _firstToken;
    private int _tokens;
    private string? _model, _error;
    private bool _isDivided;

    /// <summary>Calls the rest of the pipeline, and records the request if its endpoint is measured.</summary>
    public static async Task InvokeAsync(HttpContext context, RequestDelegate next, ServerInstruments instruments)
    {
        if (context.GetEndpoint()?.Metadata.GetMetadata<MeasuredOperation>() is not MeasuredOperation operation)
        {
            await next(context);
            return;
        }

        var measurement = new RequestMeasurement(instruments, operation.Name);
        context.Features.Set(measurement);
        try
        {
            await next(context);
        }
        catch
        {
            measurement.Fail(GenAiConventions.OtherError);
            throw;
        }
        finally
        {
            measurement.End();
        }
    }

    /// <summary>The measurement of a request of a measured endpoint; null of others.</summary>
    public static RequestMeasurement? Find(HttpContext context) => context.Features.Get<RequestMeasurement>();

    /// <summary>The measurement of a request of a measured endpoint.</summary>
    public static RequestMeasurement Of(HttpContext context) => context.Features.GetRequiredFeature<RequestMeasurement>();

    /// <summary>The measurement of a line. The request itself is not recorded any more, unless it fails as a whole.</summary>
    public RequestMeasurement OfLine()
    {
        lock (_lock)
            _isDivided = true;
        var line = new RequestMeasurement(instruments, operation);
        if (_model is string model)
            line.UseModel(model);
        return line;
    }

    /// <summary>Names the model that answers.</summary>
    /// <param name="name">Its name in the settings, never one that only a request has.</param>
    public void UseModel(string name)
    {
        lock (_lock)
            _model = name;
    }

    /// <summary>Counts tokens that were generated.</summary>
    /// <param name="count">The number of tokens.</param>
    /// <param name="first">When the first of them was there, as a timestamp of <see cref="Stopwatch" />.</param>
    public void AddTokens(int count, long first)
    {
        if (count == 0)
            return;
        lock (_lock)
        {
            _tokens += count;
            _firstToken = Math.Min(_firstToken ?? long.MaxValue, first);
        }
    }

    /// <summary>Names the error that the request ends with; the first one counts.</summary>
    /// <param name="error">A word for it.</param>
    public void Fail(string error)
    {
        lock (_lock)
            _error ??= error;
    }

    /// <inheritdoc cref="Fail(string)" />
    public void Fail(RequestException error) => Fail(error.Code ?? error.Status.ToString(CultureInfo.InvariantCulture));

    /// <summary>Records it.</summary>
    public void End()
    {
        lock (_lock)
        {
            if (_isDivided && _error is (null or Cancelled)) // the lines have told it
                return;
            TimeSpan? first = _firstToken is long token ? Stopwatch.GetElapsedTime(_start, token) : null;
            instruments.Record(operation, _model, _error, Stopwatch.GetElapsedTime(_start), first, _tokens);
        }
    }
}
