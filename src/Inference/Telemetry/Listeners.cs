using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace AsArm.Inference.Telemetry;

/// <summary>
/// Everything that runs code of the listeners of spans and metrics. What they throw is dropped: listening must not change what becomes of a request.
/// </summary>
#pragma warning disable CA1031 // Whatever a listener throws.
internal static class Listeners
{
    /// <summary>Creates an instrument or a source of spans, which listeners are told of.</summary>
    /// <returns>Null if a listener throws: nothing is measured by it then.</returns>
    public static T? Create<T>(Func<T> create)
        where T : class
    {
        try
        {
            return create();
        }
        catch (Exception)
        {
            return null;
        }
    }

    /// <summary>Adds to a counter.</summary>
    public static void Measure(Counter<long>? counter, long value, in TagList tags)
    {
        try
        {
            counter?.Add(value, tags);
        }
        catch (Exception)
        {
        }
    }

    /// <summary>Adds to a counter that may go down.</summary>
    public static void Measure(UpDownCounter<long>? counter, long value, in TagList tags)
    {
        try
        {
            counter?.Add(value, tags);
        }
        catch (Exception)
        {
        }
    }

    /// <summary>Records a value of a histogram.</summary>
    public static void Measure<T>(Histogram<T>? histogram, T value, in TagList tags)
        where T : struct
    {
        try
        {
            histogram?.Record(value, tags);
        }
        catch (Exception)
        {
        }
    }

    /// <summary>Starts a span, and leaves the current one as it is.</summary>
    public static Activity? Start(string name)
    {
        Activity? current = Activity.Current;
        Activity? started = Create(() => InfillTelemetry.Source?.StartActivity(name)!);
        Activity.Current = current;
        return started;
    }

    /// <summary>Ends a span, and leaves the current one as it is.</summary>
    public static void Stop(Activity? activity)
    {
        Activity? current = Activity.Current;
        try
        {
            activity?.Dispose();
        }
        catch (Exception)
        {
        }

        Activity.Current = current;
    }
}
#pragma warning restore CA1031
