using System.Diagnostics;
using AsArm.Assd.Models;
using AsArm.Assd.Ordering;
using AsArm.Assd.Randomness;

namespace AsArm.Inference.DraftMeasurement;

/// <summary>
/// Times forward passes of any shape over sequences with one gap. Every pass has its first draft token changed, so that a cache encodes
/// all its content tokens anew, as after a rejection.
/// </summary>
internal sealed class ForwardPassTimer
{
    private const int MaxTargets = 40;

    private readonly SequenceState[] _states;
    private int _turn;

    /// <param name="model">Its vocabulary and maximum length.</param>
    /// <param name="length">Tokens of a sequence, two or more.</param>
    /// <param name="batch">Sequences of a pass.</param>
    /// <param name="maxQueries">Most queries of a sequence; below the length.</param>
    public ForwardPassTimer(IAnySubsetModel model, int length, int batch, int maxQueries)
    {
        int targets = Math.Min(MaxTargets, length - 1);
        var given = new bool[length];
        given.AsSpan().Fill(true);
        given.AsSpan((length - targets + 1) / 2, targets).Clear();
        var order = Order.LeftToRight(given);
        _states = [.. Enumerable.Range(0, batch).Select(i => new SequenceState(order, Tokens(length, model.VocabularySize, i), model.VocabularySize, maxQueries))];
    }

    /// <summary>Frees the places in the cache.</summary>
    public void Release(IAnySubsetModel model)
    {
        foreach (SequenceState state in _states)
            model.Release(state);
    }

    /// <summary>Milliseconds of one pass.</summary>
    /// <param name="model">The model, or another graph of it.</param>
    /// <param name="content">Tokens that each sequence encodes.</param>
    /// <param name="queries">Conditionals that each asks.</param>
    /// <param name="cancellationToken">Stops the pass.</param>
    public double Time(IAnySubsetModel model, int content, int queries, CancellationToken cancellationToken = default)
    {
        _turn++;
        foreach (SequenceState state in _states)
            Plan(state, content, queries);
        long start = Stopwatch.GetTimestamp();
        model.Evaluate(_states, cancellationToken);
        return Stopwatch.GetElapsedTime(start).TotalMilliseconds;
    }

    /// <summary>A verification: draft tokens, and a query at each one's own rank and beyond.</summary>
    private void Plan(SequenceState state, int content, int queries)
    {
        int given = state.Order.GivenCount;
        for (int i = 0; i < content; i++)
            state.SetToken(given + i, (_turn + i) % Math.Min(13, state.VocabularySize)); // another token in the next pass, and in the one after it
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
