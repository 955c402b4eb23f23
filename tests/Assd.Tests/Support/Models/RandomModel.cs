using AsArm.Assd.Models;
using AsArm.Assd.Ordering;

namespace AsArm.Assd.Tests.Support.Models;

/// <summary>
/// Pseudo-random logits from a hash of the target's position and of the tokens that it sees: fast at any length, deterministic, without
/// allocations. Not consistent between horizons or orders, as networks are not.
/// </summary>
/// <param name="vocabularySize">V.</param>
/// <param name="maxLength">The maximum length of a sequence.</param>
/// <param name="sharpness">Logits are uniform in [0, sharpness): 0.01 is nearly uniform, 100 nearly deterministic.</param>
/// <param name="seed">Selects the model.</param>
internal sealed class RandomModel(int vocabularySize, int maxLength, double sharpness, long seed)
    : RowModel(vocabularySize, maxLength)
{
    public override void WriteLogits(SequenceState state, Conditional conditional, Span<float> row)
    {
        ReadOnlySpan<int> positions = state.Order.Positions;
        ulong seen = Mix(unchecked((ulong)seed) + (ulong)positions[conditional.Rank]);
        foreach (int position in positions[..conditional.Horizon])
            seen += Mix(((ulong)position << 32) + (ulong)state.Tokens[position] + 1);
        for (int token = 0; token < row.Length; token++)
            row[token] = (float)(sharpness * (Mix(seen + (ulong)token) >> 11) / (1UL << 53));
    }

    private static ulong Mix(ulong value)
    {
        value += 0x9E3779B97F4A7C15;
        value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9;
        value = (value ^ (value >> 27)) * 0x94D049BB133111EB;
        return value ^ (value >> 31);
    }
}
