using System.Collections.Concurrent;
using AsArm.Assd.Distributions;
using AsArm.Assd.Models;
using AsArm.Assd.Ordering;
using AsArm.Assd.Tests.Exactness;

namespace AsArm.Assd.Tests.Support.Models;

/// <summary>
/// A model whose conditionals are permutations of (1/2, 1/4, 1/4), (1/2, 1/2), (1/2, 1/4, 1/8, 1/8) or (1), chosen by a hash of the tokens
/// that they see. The float32 softmax of such rows is exact, so that distributions can be compared to the last bits of float64. Not
/// consistent between horizons and orders, as networks are not.
/// </summary>
internal sealed class DyadicModel(
    int vocabularySize, int maxLength, long seed, int? banned = null, IReadOnlyDictionary<int, TokenSet>? bannedAt = null)
    : RowModel(vocabularySize, maxLength)
{
    private static readonly double[][] _shapes = [[0.5, 0.25, 0.25], [0.5, 0.5], [0.5, 0.25, 0.125, 0.125], [0.5, 0.5], [0.5, 0.25, 0.25], [1]];

    private readonly ConcurrentDictionary<ulong, float[]> _rows = new(); // an enumeration asks for each thousands of times

    public override void WriteLogits(SequenceState state, Conditional conditional, Span<float> row)
    {
        int position = state.Order.Positions[conditional.Rank];
        ulong hash = Hash(position, state.Order.Positions[..conditional.Horizon], state.Tokens);
        if (!_rows.TryGetValue(hash, out float[]? logits))
            _rows[hash] = logits = Logits(position, Distribution(position, hash));
        logits.CopyTo(row);
    }

    /// <summary>[V] the exact distribution of <see cref="WriteLogits" />, with bans applied.</summary>
    public double[] Distribution(int position, ReadOnlySpan<int> seen, ReadOnlySpan<int> tokens) => Distribution(position, Hash(position, seen, tokens));

    /// <summary>[V^targets] the joint distribution, as the product of the conditionals (i, i).</summary>
    public double[] Joint(Order order, int[] tokens)
    {
        var distribution = new double[Outcome.Count(order.TargetCount, VocabularySize)];
        AddOutcomes(order, [.. tokens], order.GivenCount, 0, 1, distribution);
        return distribution;
    }

    private ulong Hash(int position, ReadOnlySpan<int> seen, ReadOnlySpan<int> tokens)
    {
        ulong hash = Mix(unchecked((ulong)seed * 1_000_003) + (ulong)position);
        foreach (int other in seen)
            hash += Mix(((ulong)other << 32) + (ulong)tokens[other] + 1);
        return hash;
    }

    private float[] Logits(int position, double[] distribution) =>
    [
        .. distribution.Select((probability, token) => IsBanned(token, position) ? 1 // larger than any other logit
            : probability > 0 ? (float)Math.Log(probability)
            : -1e4f),
    ];

    private double[] Distribution(int position, ulong hash)
    {
        int[] allowed = [.. Enumerable.Range(0, VocabularySize).Where(token => !IsBanned(token, position))];
        double[][] fitting = [.. _shapes.Where(shape => shape.Length <= allowed.Length)];
        double[] shape = fitting[Mix(hash) % (ulong)fitting.Length];
        var distribution = new double[VocabularySize];
        for (int i = 0; i < shape.Length; i++)
        {
            hash = Mix(hash + 77);
            int other = i + (int)(hash % (ulong)(allowed.Length - i));
            (allowed[i], allowed[other]) = (allowed[other], allowed[i]);
            distribution[allowed[i]] = shape[i];
        }

        return distribution;
    }

    private void AddOutcomes(Order order, int[] tokens, int rank, int index, double probability, double[] distribution)
    {
        if (rank == order.Length)
        {
            distribution[index] += probability;
            return;
        }

        int position = order.Positions[rank];
        double[] next = Distribution(position, order.Positions[..rank], tokens);
        for (int token = 0; token < next.Length; token++)
        {
            tokens[position] = token;
            if (next[token] > 0)
                AddOutcomes(order, tokens, rank + 1, index * VocabularySize + token, probability * next[token], distribution);
        }
    }

    private bool IsBanned(int token, int position) =>
        token == banned || (bannedAt?.TryGetValue(position, out TokenSet? here) == true && here.Contains(token));

    private static ulong Mix(ulong value)
    {
        value += 0x9E3779B97F4A7C15;
        value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9;
        value = (value ^ (value >> 27)) * 0x94D049BB133111EB;
        return value ^ (value >> 31);
    }
}
