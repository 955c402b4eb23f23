using System.Diagnostics;
using System.Diagnostics.Metrics;
using AsArm.Inference.Infilling;
using AsArm.Inference.Telemetry;
using AsArm.Inference.Tests.Scheduling;
using AsArm.Inference.Tests.Support;
using AsArm.Inference.Text;

namespace AsArm.Inference.Tests.Telemetry;

/// <summary>Spans and metrics agree with the results.</summary>
[TestClass]
[DoNotParallelize] // instruments are those of the process
public sealed class TelemetryTests
{
    [TestMethod]
    public async Task Meter_SeveralRequests_CountsWhatTheResultsTell()
    {
        await using TextInfiller infiller = TextInfiller.Open(Files.Default);
        var sums = new Dictionary<string, double>();
        using MeterListener listener = Listen(sums);
        InfillResult[] results = [.. infiller.InfillMany(Enumerable.Range(0, 20).Select(i => new InfillRequest($"Number {i} was <mask:8>.", new InfillOptions { Seed = i, Sampler = SamplerKind.Assd })))];
        InfillResult fused = await infiller.InfillAsync("Once upon a time there was a <mask:12>.", new InfillOptions { Seed = 1 });
        await Assert.ThrowsExactlyAsync<InfillTextException>(() => infiller.InfillAsync("No gap."));
        ScoreResult score = await infiller.ScoreAsync("The [[cat]] sat.");

        Assert.AreEqual(21, sums["asarm.requests|infill|ok"]);
        Assert.AreEqual(1, sums["asarm.requests|infill|error"]);
        Assert.AreEqual(1, sums["asarm.requests|score|ok"]);
        Assert.AreEqual(results.Sum(result => result.Statistics.Generated) + fused.Statistics.Generated, sums["asarm.tokens.generated"]);
        Assert.AreEqual(results.Sum(result => result.Statistics.QueryTokens) + fused.Statistics.QueryTokens + score.Tokens, sums["asarm.tokens.processed|query"]);
        Assert.AreEqual(
            results.Append(fused).Sum(result => result.Statistics.ContentTokens + result.Usage.GivenTokens) + infiller.CountTokens(InfillPrompt.Parse("The cat sat.")).Total,
            sums["asarm.tokens.processed|content"]);
        Assert.IsGreaterThan(0, sums["asarm.cache.tokens"]);
        Assert.AreEqual(fused.Statistics.Drafted, sums.Where(sum => sum.Key.StartsWith("asarm.draft.tokens|", StringComparison.Ordinal)).Sum(sum => sum.Value));
        Assert.AreEqual(0, sums["asarm.queue.length"]);
        Assert.IsGreaterThan(0, sums["asarm.forward_passes"]);
        Assert.IsGreaterThan(0, sums["asarm.queue.duration"]);
        Assert.IsGreaterThan(0, sums["asarm.request.duration|infill|ok"]);
    }

    /// <summary>The first token is there after the first pass that commits one; of a gap of unknown length no token is final before the last pass.</summary>
    [TestMethod]
    public async Task TimeToFirstToken_IsThatOfThePassThatCommittedIt()
    {
        await using TextInfiller infiller = TextInfiller.Open(Files.Default);
        InfillResult result = await infiller.InfillAsync("Once there was a <mask:8>.", new InfillOptions { Seed = 1, Sampler = SamplerKind.Sequential });
        Assert.IsTrue(result.TimeToFirstToken > result.QueueTime && result.TimeToFirstToken < result.QueueTime + result.Elapsed, $"{result.TimeToFirstToken}");
        InfillResult single = await infiller.InfillAsync("Once there was a <mask>.", new InfillOptions { Seed = 1 });
        Assert.IsTrue(single.TimeToFirstToken > single.QueueTime && single.TimeToFirstToken <= single.QueueTime + single.Elapsed, $"{single.TimeToFirstToken}");
        InfillResult unknown = await infiller.InfillAsync("Once there was a <mask:1-3>.", new InfillOptions { Seed = 1 });
        Assert.AreEqual(unknown.QueueTime + unknown.Elapsed, unknown.TimeToFirstToken);
    }

    [TestMethod]
    public async Task ActivitySource_Requests_AreSpansBelowTheCallers()
    {
        await using TextInfiller infiller = TextInfiller.Open(Files.Default);
        var spans = new List<Activity>();
        using ActivityListener listener = Listen(spans);
        using var caller = new Activity("caller");
        caller.Start();
        InfillResult result = await infiller.InfillAsync("Once there was a <mask:4>.", new InfillOptions { Seed = 1 });
        await Assert.ThrowsExactlyAsync<InfillTextException>(() => infiller.InfillAsync("No gap."));
        _ = infiller.InfillOutcomes([new InfillRequest("A <mask>.", new()), new InfillRequest("B <mask>.", new())]).Count();
        Assert.AreSame(caller, Activity.Current);

        Assert.HasCount(4, spans);
        Assert.IsTrue(spans.All(span => span.ParentSpanId == caller.SpanId && span.OperationName == "asarm.infill"));
        Activity first = spans[0], failed = spans.Single(span => span.Status == ActivityStatusCode.Error);
        Assert.AreEqual(infiller.Folder.Name, first.GetTagItem("asarm.model"));
        Assert.AreEqual("ok", first.GetTagItem("asarm.outcome"));
        Assert.AreEqual(result.Statistics.Nfe, first.GetTagItem("asarm.forward_passes"));
        Assert.AreEqual(result.Usage.GeneratedTokens, first.GetTagItem("asarm.tokens.generated"));
        Assert.AreEqual(typeof(InfillTextException).FullName, failed.GetTagItem("error.type"));
    }

    /// <summary>Messages of errors may quote the text.</summary>
    [TestMethod]
    public async Task ActivitySource_Errors_HoldNoText()
    {
        await using TextInfiller infiller = TextInfiller.Open(Files.Default);
        var spans = new List<Activity>();
        using ActivityListener listener = Listen(spans);
        InfillTextException error = await Assert.ThrowsExactlyAsync<InfillTextException>(() => infiller.InfillAsync("<MASK hunter2>"));
        Assert.Contains("hunter2", error.Message);
        Assert.DoesNotContain("hunter2", $"{spans.Single().StatusDescription} {string.Join(' ', spans.Single().TagObjects)}");
    }

    /// <summary>Whatever instruments listeners throw for.</summary>
    [TestMethod]
    [Timeout(120_000)]
    public async Task Meter_ListenerThatThrows_ChangesNothing()
    {
        await using TextInfiller alone = TextInfiller.Open(Files.Default);
        var options = new InfillOptions { Seed = 1 };
        string expected = alone.Infill("A <mask:4>.", options).Text;
        int thrown = 0;
        using var listener = new MeterListener();
        listener.InstrumentPublished = (instrument, self) =>
        {
            if (instrument.Meter.Name == InfillTelemetry.Name)
                self.EnableMeasurementEvents(instrument);
        };
        listener.SetMeasurementEventCallback<long>((_, _, _, _) => Throw());
        listener.SetMeasurementEventCallback<double>((_, _, _, _) => Throw());
        listener.Start();

        TextInfiller infiller = GatedTexts.Open(out GatedModel model, new() { MaxQueuedRequests = 4 });
        using var stop = new CancellationTokenSource();
        Task<InfillResult> running = infiller.InfillAsync("A <mask:4>.", options);
        model.WaitForPass();
        Task<InfillResult> cancelled = infiller.InfillAsync("B <mask>.", options, stop.Token);
        await stop.CancelAsync(); // leaves the queue, which is measured
        await Assert.ThrowsAsync<OperationCanceledException>(() => cancelled);
        model.Open();
        Assert.AreEqual(expected, (await running).Text);
        Assert.AreEqual(expected, infiller.InfillOutcomes([new InfillRequest("A <mask:4>.", options with { DraftMode = DraftMode.Latency })]).Single().ResultOrThrow().Text);
        await infiller.DisposeAsync();
        Assert.IsTrue(model.IsDisposed);

        infiller = GatedTexts.Open(out model, new() { MaxQueuedRequests = 4 });
        Task<InfillResult>[] unfinished = [.. Enumerable.Range(0, 4).Select(i => infiller.InfillAsync(GatedTexts.Request(i)))];
        await infiller.DisposeAsync();
        Assert.IsTrue(model.IsDisposed, "Dispose is not ended by a listener.");
        foreach (Task<InfillResult> task in unfinished)
            await Assert.ThrowsExactlyAsync<ObjectDisposedException>(() => task);
        Assert.IsGreaterThan(20, thrown);

        void Throw()
        {
            Interlocked.Increment(ref thrown);
            throw new InvalidDataException();
        }
    }

    [TestMethod]
    public async Task ActivitySource_ListenerThatThrows_ChangesNothing()
    {
        await using TextInfiller infiller = TextInfiller.Open(Files.Default);
        int thrown = 0;
        foreach (bool atStart in (bool[])[true, false])
        {
            using var listener = new ActivityListener
            {
                ShouldListenTo = source => source.Name == InfillTelemetry.Name,
                Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllData,
                ActivityStarted = _ => Throw(atStart),
                ActivityStopped = _ => Throw(!atStart),
            };
            ActivitySource.AddActivityListener(listener);
            using var caller = new Activity("caller");
            caller.Start();
            Assert.StartsWith("A ", (await infiller.InfillAsync("A <mask>.")).Text);
            Assert.StartsWith("A ", infiller.Infill("A <mask>.").Text);
            Assert.IsNotNull(infiller.InfillOutcomes([new InfillRequest("A <mask>.", new())]).Single().Result);
            Assert.AreSame(caller, Activity.Current);
        }

        Assert.AreEqual(6, thrown);

        void Throw(bool throws)
        {
            if (!throws)
                return;
            Interlocked.Increment(ref thrown);
            throw new InvalidDataException();
        }
    }

    /// <summary>The caller's span is the current one again after each step of a blocking batch.</summary>
    [TestMethod]
    public void ActivitySource_SpanOfTheLoopAroundABatch_StaysTheCurrentOne()
    {
        using TextInfiller infiller = TextInfiller.Open(Files.Default);
        using ActivityListener listener = Listen(new List<Activity>());
        foreach (InfillOutcome outcome in infiller.InfillOutcomes(Enumerable.Range(0, 40).Select(i => new InfillRequest($"A {i} <mask>.", new()))))
        {
            Assert.IsNotNull(outcome.Result);
            Assert.IsNull(Activity.Current);
        }

        using IEnumerator<InfillOutcome> outcomes = infiller.InfillOutcomes(Enumerable.Range(0, 40).Select(i => new InfillRequest($"A {i} <mask>.", new()))).GetEnumerator();
        Assert.IsTrue(outcomes.MoveNext());
        using var later = new Activity("later");
        later.Start();
        while (outcomes.MoveNext())
            Assert.AreSame(later, Activity.Current, "Also by spans that began before it.");
    }

    private static ActivityListener Listen(List<Activity> spans)
    {
        var listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name == InfillTelemetry.Name,
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllData,
            ActivityStopped = span =>
            {
                lock (spans)
                    spans.Add(span);
            },
        };
        ActivitySource.AddActivityListener(listener);
        return listener;
    }

    /// <summary>Sums by name and tags, without the model.</summary>
    private static MeterListener Listen(Dictionary<string, double> sums)
    {
        var listener = new MeterListener
        {
            InstrumentPublished = (instrument, self) =>
            {
                if (instrument.Meter.Name == InfillTelemetry.Name)
                    self.EnableMeasurementEvents(instrument);
            },
        };
        listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) => Add(instrument, value, tags));
        listener.SetMeasurementEventCallback<double>((instrument, value, tags, _) => Add(instrument, value, tags));
        listener.Start();
        return listener;

        void Add(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
        {
            string key = string.Join('|', tags.ToArray().Where(tag => tag.Key != "asarm.model").Select(tag => tag.Value!.ToString()).Prepend(instrument.Name));
            lock (sums)
                sums[key] = sums.GetValueOrDefault(key) + value;
        }
    }
}
