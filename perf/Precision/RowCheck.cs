using AsArm.Assd.Models;
using AsArm.Assd.Ordering;
using AsArm.Inference.Onnx.Cached;
using AsArm.Perf.Cache;

namespace AsArm.Perf.Precision;

/// <summary>Whether a row has the same bits in a call of one sequence and in one of several.</summary>
internal static class RowCheck
{
    private const int Count = 4;
    private const int Queries = 7;

    /// <summary>Rows of logits that differ, and all of them: prompts, then three rounds of draft tokens.</summary>
    public static (int Differing, int All) Run(CachedOnnxModel model, int length)
    {
        SequenceState[] together = Calls(model, length), alone = Calls(model, length);
        int differing = 0, all = 0;
        for (int round = 0; round < 4; round++)
        {
            Plan(together, round);
            Plan(alone, round);
            model.Evaluate(together, CancellationToken.None);
            foreach ((SequenceState state, SequenceState other) in together.Zip(alone))
            {
                model.Evaluate([other], CancellationToken.None);
                for (int row = 0; row < state.Conditionals.Length; row++, all++)
                    differing += state.Row(row).SequenceEqual(other.Row(row)) ? 0 : 1;
            }
        }

        foreach (SequenceState state in together.Concat(alone))
            model.Release(state);
        return (differing, all);
    }

    private static SequenceState[] Calls(CachedOnnxModel model, int length) =>
        [.. Enumerable.Range(0, Count).Select(i => new SequenceState(
            Sequences.WithGap(length - (37 * i), 40), Sequences.Tokens(length - (37 * i), model.VocabularySize, i), model.VocabularySize, Queries))];

    /// <summary>Every sequence with another number of draft tokens and queries.</summary>
    private static void Plan(SequenceState[] states, int round)
    {
        for (int i = 0; i < states.Length; i++)
        {
            int known = states[i].Order.GivenCount + (2 * round), draftTokens = (i + round) % Count;
            states[i].BeginForwardPass(known + draftTokens);
            for (int query = 0; query < Queries - i; query++)
                states[i].AddQuery(new Conditional(known + query, known + Math.Min(query, draftTokens)));
        }
    }
}
