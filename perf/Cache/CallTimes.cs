using System.Diagnostics;
using AsArm.Assd;
using AsArm.Inference;

namespace AsArm.Perf;

/// <summary>
/// Calls of one shape through the stateless and the cached graph by turns. Every call has its first proposal changed, so that the
/// cached one encodes all its content rows anew, as after a rejection; the stateless one always encodes everything.
/// </summary>
internal sealed class CallTimes
{
    private const int Targets = 40;
    private static readonly TimeSpan s_enough = TimeSpan.FromSeconds(15);

    private readonly SequenceCall[] _calls;
    private int _turn;

    public CallTimes(IAnySubsetModel model, int length, int batch, int mostQueries)
    {
        Order order = Sequences.WithGap(length, Targets);
        _calls = [.. Enumerable.Range(0, batch).Select(
            i => new SequenceCall(order, Sequences.Tokens(length, model.VocabularySize, i), model.VocabularySize, mostQueries))];
    }

    /// <summary>Milliseconds of calls of one shape, by turns: a dozen of each for one sequence, one of each for a batch (up to a minute).</summary>
    public (Times Stateless, Times Cached) Measure(StatelessOnnxModel stateless, CachedOnnxModel cached, int content, int queries)
    {
        Time(cached, content, queries);
        Time(cached, content, queries);
        var times = (Stateless: new Times(), Cached: new Times());
        var total = Stopwatch.StartNew();
        while (times.Stateless.Count == 0 || (_calls.Length == 1 && total.Elapsed < s_enough && times.Stateless.Count < 12))
        {
            times.Stateless.Add(Time(stateless, content, queries));
            times.Cached.Add(Time(cached, content, queries));
        }

        return times;
    }

    /// <summary>Frees the places in the cache.</summary>
    public void Release(CachedOnnxModel cached)
    {
        foreach (SequenceCall call in _calls)
            cached.Release(call);
    }

    /// <summary>Milliseconds of one call.</summary>
    public double Time(OnnxAnySubsetModel model, int content, int queries)
    {
        _turn++;
        foreach (SequenceCall call in _calls)
            Plan(call, content, queries);
        long start = Stopwatch.GetTimestamp();
        model.Evaluate(_calls, CancellationToken.None);
        return Stopwatch.GetElapsedTime(start).TotalMilliseconds;
    }

    /// <summary>Rows of an oracle call: proposals, and a question at each one's own rank and beyond.</summary>
    private void Plan(SequenceCall call, int content, int queries)
    {
        int given = call.Order.GivenCount;
        for (int i = 0; i < content; i++)
            call.SetToken(given + i, 10 + (_turn + i) % 3); // another token in the next call, and in the one after it
        call.Begin(given + content);
        for (int i = 0; i < queries; i++)
            call.Ask(new Conditional(given + i, given + Math.Min(i, content)));
    }
}
