using System.Diagnostics;
using AsArm.Assd.Models;
using AsArm.Assd.Ordering;
using AsArm.Assd.Randomness;

namespace AsArm.Inference.DraftMeasurement;

/// <summary>
/// Times forward passes of any shape over sequences with one gap. The draft tokens differ from pass to pass, so that a cache has to
/// encode all of them again, as after a rejection.
/// </summary>
internal sealed class ForwardPassTimer
{
    private const int MaxTargets = 40;

    private readonly SequenceState[] _states;
    private int _pass;

    /// <param name="model">The model to time.</param>
    /// <param name="length">Length of a sequence in tokens, at least 2.</param>
    /// <param name="batch">Number of sequences in a pass.</param>
    /// <param name="maxQueries">Largest number of queries per sequence; less than the length.</param>
    public ForwardPassTimer(IAnySubsetModel model, int length, int batch, int maxQueries)
    {
        int targets = Math.Min(MaxTargets, length - 1);
        var given = new bool[length];
        given.AsSpan().Fill(true);
        given.AsSpan((length - targets + 1) / 2, targets).Clear();
        var order = Order.LeftToRight(given);
        _states = [.. Enumerable.Range(0, batch).Select(i => new SequenceState(order, Tokens(length, model.VocabularySize, i), model.VocabularySize, maxQueries))];
    }

    /// <summary>Releases the sequences in the cache of the model.</summary>
    public void Release(IAnySubsetModel model)
    {
        foreach (SequenceState state in _states)
            model.Release(state);
    }

    /// <summary>Time of one pass in milliseconds.</summary>
    /// <param name="model">The model, or another graph of it.</param>
    /// <param name="content">Number of content positions per sequence.</param>
    /// <param name="queries">Number of query positions per sequence.</param>
    /// <param name="cancellationToken">Stops the pass.</param>
    public double Time(IAnySubsetModel model, int content, int queries, CancellationToken cancellationToken = default)
    {
        _pass++;
        foreach (SequenceState state in _states)
            SetQueries(state, content, queries);
        long start = Stopwatch.GetTimestamp();
        model.Evaluate(_states, cancellationToken);
        return Stopwatch.GetElapsedTime(start).TotalMilliseconds;
    }

    /// <summary>Queries as a verification has them: the oracle of each draft token, and further ones after the last.</summary>
    private void SetQueries(SequenceState state, int content, int queries)
    {
        int given = state.Order.GivenCount;
        for (int i = 0; i < content; i++)
            state.SetToken(given + i, (_pass + i) % Math.Min(13, state.VocabularySize)); // differs from the next pass and the one after it
        state.BeginForwardPass(given + content);
        for (int i = 0; i < queries; i++)
            state.AddQuery(new Conditional(given + i, given + Math.Min(i, content)));
    }

    private static int[] Tokens(int length, int vocabularySize, long seed)
    {
        var random = new SplitMix64(seed);
        return [.. Enumerable.Range(0, length).Select(_ => (int)(random.NextDouble() * vocabularySize))];
    }
}
