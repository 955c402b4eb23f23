using System.Diagnostics;

namespace AsArm.Inference.Telemetry;

/// <summary>Span and metrics of one request, from submission to outcome.</summary>
internal sealed class RequestTrace : IDisposable
{
    private readonly string _model;
    private readonly string _operation;
    private readonly long _start = Stopwatch.GetTimestamp();
    private readonly Activity? _activity;
    private string _outcome = "ok";

    /// <param name="model">Name of the model.</param>
    /// <param name="operation">infill, score or candidates.</param>
    public RequestTrace(string model, string operation)
    {
        (_model, _operation) = (model, operation);
        _activity = Listeners.Start($"asarm.{operation}"); // the current one stays the caller's, also while the request is encoded
        _activity?.SetTag("asarm.model", model);
    }

    /// <summary>Adds a tag to the span.</summary>
    public void SetTag(string name, object value) => _activity?.SetTag(name, value);

    /// <summary>Records the error that the request ends with.</summary>
    /// <param name="error">The error.</param>
    public void Fail(Exception error)
    {
        _outcome = error switch
        {
            TimeoutException => "timeout",
            OperationCanceledException => "cancelled",
            _ => "error",
        };
        if (_outcome == "cancelled")
            return;
        _activity?.SetStatus(ActivityStatusCode.Error); // without the message, which may quote the text
        _activity?.SetTag("error.type", error.GetType().FullName);
    }

    /// <summary>Ends the span, and counts the request.</summary>
    public void Dispose()
    {
        _activity?.SetTag("asarm.outcome", _outcome);
        Listeners.Stop(_activity);
        RequestInstruments.RecordRequest(_model, _operation, _outcome, Stopwatch.GetElapsedTime(_start));
    }
}
