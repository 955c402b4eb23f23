using AsArm.Assd.Ordering;
using AsArm.Assd.Samplers;

namespace AsArm.Assd.Tests.Exactness;

/// <summary>Indices of the outcomes of a task: the targets by rank are digits in base V, the first one the highest.</summary>
internal static class Outcome
{
    public static int Index(ReadOnlySpan<int> targets, int vocabularySize)
    {
        int index = 0;
        foreach (int token in targets)
            index = index * vocabularySize + token;
        return index;
    }

    public static int Index(Sampler sampler, int vocabularySize)
    {
        Order order = sampler.State.Order;
        int index = 0;
        foreach (int position in order.Positions[order.GivenCount..])
            index = index * vocabularySize + sampler.Tokens[position];
        return index;
    }

    public static int Count(int targets, int vocabularySize)
    {
        int count = 1;
        for (int i = 0; i < targets; i++)
            count *= vocabularySize;
        return count;
    }
}
