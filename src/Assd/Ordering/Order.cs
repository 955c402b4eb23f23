using AsArm.Assd.Randomness;

namespace AsArm.Assd.Ordering;

/// <summary>
/// A permutation sigma of the positions of a sequence: given positions first, then the targets as they are decoded
/// (Guo &amp; Ermon 2025, section 2). The default is the lattice order, given positions ascending and then targets ascending
/// (Shih et al. 2022, arXiv 2205.13554), which checkpoints are trained for.
/// </summary>
public sealed class Order
{
    private readonly int[] _positions;
    private readonly int[] _ranks;

    private Order(int[] positions, int givenCount)
    {
        _positions = positions;
        GivenCount = givenCount;
        _ranks = new int[positions.Length];
        for (int rank = 0; rank < positions.Length; rank++)
            _ranks[positions[rank]] = rank;
    }

    /// <summary>Number of positions, given and targets.</summary>
    public int Length => _positions.Length;

    /// <summary>The number of given tokens, m: ranks below it are given, all others are targets.</summary>
    public int GivenCount { get; }

    /// <summary>Number of tokens to generate.</summary>
    public int TargetCount => Length - GivenCount;

    /// <summary>[Length] the position of each rank.</summary>
    public ReadOnlySpan<int> Positions => _positions;

    /// <summary>[Length] the rank of each position.</summary>
    public ReadOnlySpan<int> Ranks => _ranks;

    /// <summary>The lattice order: given positions ascending, then targets ascending.</summary>
    /// <param name="given">[Length] true where the token is given.</param>
    /// <exception cref="ArgumentException">There are no positions.</exception>
    public static Order LeftToRight(ReadOnlySpan<bool> given) => new(GivenFirst(given, out int count), count);

    /// <summary>Given positions ascending, then targets descending.</summary>
    /// <inheritdoc cref="LeftToRight" />
    public static Order RightToLeft(ReadOnlySpan<bool> given)
    {
        int[] positions = GivenFirst(given, out int count);
        positions.AsSpan(count).Reverse();
        return new(positions, count);
    }

    /// <summary>Given positions ascending, then targets in random order, each permutation with the same probability.</summary>
    /// <inheritdoc cref="LeftToRight" />
    public static Order Random(ReadOnlySpan<bool> given, IRandomSource random)
    {
        ArgumentNullException.ThrowIfNull(random);
        int[] positions = GivenFirst(given, out int count);
        Span<int> targets = positions.AsSpan(count);
        for (int last = targets.Length - 1; last > 0; last--)
        {
            int other = (int)(random.NextDouble() * (last + 1));
            (targets[last], targets[other]) = (targets[other], targets[last]);
        }

        return new(positions, count);
    }

    /// <summary>Any permutation, by the position of each rank.</summary>
    /// <param name="positions">[Length] the position of each rank, given tokens first.</param>
    /// <param name="givenCount">The number of given tokens, which have the first ranks.</param>
    /// <exception cref="ArgumentException">Not a permutation of 0..Length-1, or there are no positions.</exception>
    /// <exception cref="ArgumentOutOfRangeException">givenCount is not within 0..Length.</exception>
    public static Order FromPositions(ReadOnlySpan<int> positions, int givenCount)
    {
        RequireNotEmpty(positions.Length);
        ArgumentOutOfRangeException.ThrowIfNegative(givenCount);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(givenCount, positions.Length);
        var seen = new bool[positions.Length];
        foreach (int position in positions)
        {
            if ((uint)position >= (uint)seen.Length || seen[position])
                throw new ArgumentException($"Position {position} is out of range or occurs twice.", nameof(positions));
            seen[position] = true;
        }

        return new(positions.ToArray(), givenCount);
    }

    /// <summary>Any permutation, by the rank of each position: the inverse of <see cref="FromPositions" />.</summary>
    /// <param name="ranks">[Length] the rank of each position, with given tokens before all others.</param>
    /// <param name="givenCount">The number of given tokens, which have the first ranks.</param>
    /// <exception cref="ArgumentException">Not a permutation of 0..Length-1, or there are no positions.</exception>
    /// <exception cref="ArgumentOutOfRangeException">givenCount is not within 0..Length.</exception>
    public static Order FromRanks(ReadOnlySpan<int> ranks, int givenCount)
    {
        // The inverse is a permutation exactly if its argument is one, so FromPositions can validate it.
        Order inverse = FromPositions(ranks, givenCount);
        return new(inverse._ranks, givenCount);
    }

    /// <summary>
    /// The neighbours in the text that the conditional (rank, horizon) sees; those beyond the ends of the text count as seen.
    /// </summary>
    internal Neighbours VisibleNeighbours(int rank, int horizon)
    {
        int position = _positions[rank];
        bool left = position == 0 || _ranks[position - 1] < horizon;
        bool right = position == Length - 1 || _ranks[position + 1] < horizon;
        return (left ? Neighbours.Left : Neighbours.None) | (right ? Neighbours.Right : Neighbours.None);
    }

    private static int[] GivenFirst(ReadOnlySpan<bool> given, out int count)
    {
        RequireNotEmpty(given.Length);
        var positions = new int[given.Length];
        count = given.Count(true);
        int nextGiven = 0, nextTarget = count;
        for (int position = 0; position < given.Length; position++)
            positions[given[position] ? nextGiven++ : nextTarget++] = position;
        return positions;
    }

    private static void RequireNotEmpty(int length)
    {
        if (length == 0)
            throw new ArgumentException("An order needs at least one position.");
    }
}
