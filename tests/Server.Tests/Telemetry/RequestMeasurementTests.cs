using System.Diagnostics;
using System.Diagnostics.Metrics;
using AsArm.Server.Telemetry;
using Microsoft.Extensions.DependencyInjection;

namespace AsArm.Server.Tests.Telemetry;

/// <summary>What is recorded of a request.</summary>
[TestClass]
public sealed class RequestMeasurementTests
{
    private readonly List<(string Name, double Value, Dictionary<string, object?> Tags)> _recorded = [];

    [TestMethod]
    [DataRow(null, 5, "gen_ai.server.time_to_first_token 2; gen_ai.server.time_per_output_token 2; gen_ai.server.request.duration 10")]
    [DataRow(null, 1, "gen_ai.server.time_to_first_token 2; gen_ai.server.request.duration 10")]
    [DataRow("timeout", 5, "gen_ai.server.request.duration 10")]
    public void Record_Request_HasTimesOfSuccessfulOnes(string? error, int tokens, string expected)
    {
        Record(instruments => instruments.Record(GenAiConventions.TextCompletion, "small", error, TimeSpan.FromSeconds(10), TimeSpan.FromSeconds(2), tokens));
        Assert.AreEqual(expected, string.Join("; ", _recorded.Select(one => FormattableString.Invariant($"{one.Name} {one.Value}"))));
        Assert.AreEqual(error, _recorded[^1].Tags.GetValueOrDefault("error.type"));
        Assert.AreEqual(error is null ? "small" : null, _recorded[^1].Tags.GetValueOrDefault("gen_ai.response.model"));
    }

    /// <summary>Of several texts of a request the first token counts, in whatever order they end.</summary>
    [TestMethod]
    public void End_SeveralTexts_HasTheFirstTokenOfAll()
    {
        Record(instruments =>
        {
            var measurement = new RequestMeasurement(instruments, GenAiConventions.TextCompletion);
            long now = Stopwatch.GetTimestamp();
            measurement.AddTokens(2, now + (7 * Stopwatch.Frequency));
            measurement.AddTokens(3, now + (3 * Stopwatch.Frequency));
            measurement.AddTokens(0, now);
            measurement.End();
        });
        Assert.IsTrue(_recorded[0].Value is >= 3 and < 7, $"{_recorded[0].Value}");
    }

    [TestMethod]
    public void End_Lines_AreRequestsOfTheirOwn()
    {
        Record(instruments =>
        {
            var whole = new RequestMeasurement(instruments, GenAiConventions.TextCompletion);
            whole.UseModel("small");
            whole.OfLine().End();
            RequestMeasurement second = whole.OfLine();
            second.Fail("invalid_value");
            second.Fail("cancelled");
            second.End();
            whole.End();
        });
        Assert.AreEqual(", invalid_value", string.Join(", ", _recorded.Select(one => one.Tags.GetValueOrDefault("error.type"))));
        Assert.IsTrue(_recorded.TrueForAll(one => (string?)one.Tags["gen_ai.request.model"] == "small"));
    }

    private void Record(Action<ServerInstruments> action)
    {
        using ServiceProvider services = new ServiceCollection().AddMetrics().BuildServiceProvider();
        IMeterFactory meters = services.GetRequiredService<IMeterFactory>();
        using var listener = new MeterListener
        {
            InstrumentPublished = (instrument, self) =>
            {
                if (instrument.Meter.Scope == meters)
                    self.EnableMeasurementEvents(instrument);
            },
        };
        listener.SetMeasurementEventCallback<double>((instrument, value, tags, _) => _recorded.Add((instrument.Name, value, tags.ToArray().ToDictionary())));
        listener.Start();
        action(new ServerInstruments(meters));
    }
}
