using AsArm.Assd;
using AsArm.Inference;

namespace AsArm.Perf;

/// <summary>Whether a row has the same bits in a call of one sequence and in one of several.</summary>
internal static class RowCheck
{
    private const int Count = 4;
    private const int Queries = 7;

    /// <summary>Rows of logits that differ, and all of them: prompts, then three rounds of proposals.</summary>
    public static (int Differing, int All) Run(CachedOnnxModel model, int length)
    {
        SequenceCall[] together = Calls(model, length), alone = Calls(model, length);
        int differing = 0, all = 0;
        for (int round = 0; round < 4; round++)
        {
            Plan(together, round);
            Plan(alone, round);
            model.Evaluate(together, CancellationToken.None);
            foreach ((SequenceCall call, SequenceCall other) in together.Zip(alone))
            {
                model.Evaluate([other], CancellationToken.None);
                for (int row = 0; row < call.Conditionals.Length; row++, all++)
                    differing += call.Row(row).SequenceEqual(other.Row(row)) ? 0 : 1;
            }
        }

        foreach (SequenceCall call in together.Concat(alone))
            model.Release(call);
        return (differing, all);
    }

    private static SequenceCall[] Calls(CachedOnnxModel model, int length) =>
        [.. Enumerable.Range(0, Count).Select(i => new SequenceCall(
            Sequences.WithGap(length - (37 * i), 40), Sequences.Tokens(length - (37 * i), model.VocabularySize, i), model.VocabularySize, Queries))];

    /// <summary>Every sequence with another number of proposals and questions.</summary>
    private static void Plan(SequenceCall[] calls, int round)
    {
        for (int i = 0; i < calls.Length; i++)
        {
            int known = calls[i].Order.GivenCount + (2 * round), proposals = (i + round) % Count;
            calls[i].Begin(known + proposals);
            for (int question = 0; question < Queries - i; question++)
                calls[i].Ask(new Conditional(known + question, known + Math.Min(question, proposals)));
        }
    }
}
