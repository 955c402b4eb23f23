using AsArm.Perf.Results;

namespace AsArm.Perf.Cache;

/// <summary>The last lines of `perf -- cache`.</summary>
internal static class CacheFigures
{
    /// <summary>Of one network: what batches save if there were any, else how much slower long sequences are; and what the cache saves.</summary>
    public static IEnumerable<Figure> Of(CacheTable table)
    {
        int[] lengths = [.. table.Decoding.Select(row => row.Positions).Distinct()];
        IEnumerable<Figure> decoding = table.Decoding.Any(row => row.Batch == 16) ? OfBatches(table.Decoding, lengths) : [Growth(table.Decoding, lengths)];
        return decoding.Concat(
            from row in table.ForwardPasses
            where row.Batch == 1
            select new Figure($"ratio cached/stateless {row.Positions} positions, {row.Content}+{row.Queries} rows", row.StatelessOverCached, $"{row.StatelessOverCached:F1}"));
    }

    private static IEnumerable<Figure> OfBatches(IReadOnlyList<DecodingRow> rows, int[] lengths)
    {
        const string Ratio = "ratio batch16/batch1 tokens per second";
        foreach (string sampler in new[] { "assd", "sequential" })
        {
            foreach (int length in lengths)
                yield return Number($"{Ratio}, {sampler}, {length} positions", PerToken(rows, sampler, length, 1) / PerToken(rows, sampler, length, 16));
        }

        double alone = lengths.Sum(length => PerToken(rows, "sequential", length, 1)), together = lengths.Sum(length => PerToken(rows, "sequential", length, 16));
        yield return Number(Ratio, alone / together); // as many tokens of each length
        double share = rows.Max(row => row.ManagedShare), bytes = rows.Max(row => row.BytesPerSpeculationStep);
        yield return new("managed share", share, $"{100 * share:F1} %");
        yield return new("bytes per speculation step", bytes, $"{bytes:F0}");
    }

    private static Figure Growth(IReadOnlyList<DecodingRow> rows, int[] lengths) =>
        Number($"growth {lengths[0]}->{lengths[^1]}", PerToken(rows, "sequential", lengths[^1], 1) / PerToken(rows, "sequential", lengths[0], 1));

    private static double PerToken(IReadOnlyList<DecodingRow> rows, string sampler, int positions, int batch) =>
        rows.Single(row => (row.Sampler, row.Positions, row.Batch) == (sampler, positions, batch)).MillisecondsPerToken;

    private static Figure Number(string name, double value) => new(name, value, $"{value:F2}");
}
