namespace AsArm.Perf.Cache;

/// <summary>
/// Repeated measurements of the same thing. Others disturb a shared machine, and only ever make things slower: the fastest is what a
/// thing costs, the median what it cost on that day.
/// </summary>
internal sealed class Times
{
    private readonly List<double> _values = [];

    public int Count => _values.Count;

    public double Fastest => _values.Min();

    public double Median => _values.Order().ElementAt(_values.Count / 2);

    public void Add(double value) => _values.Add(value);
}
