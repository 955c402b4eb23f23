namespace AsArm.Inference.Patterns;

/// <summary>The coarsest partition of the code units such that each of some sets is a union of parts.</summary>
internal sealed class CharacterClasses
{
    private readonly ushort[] _classOf = new ushort[char.MaxValue + 1];
    private readonly int[] _inside = new int[char.MaxValue + 1]; // by part: its code units in the set at hand; 0 between sets
    private readonly List<int> _sizes = [char.MaxValue + 1]; // by part

    /// <param name="sets">Different sets.</param>
    public CharacterClasses(IEnumerable<CharacterSet> sets)
    {
        foreach (CharacterSet set in sets)
            Refine(set);
    }

    /// <summary>Number of parts.</summary>
    public int Count => _sizes.Count;

    /// <summary>The part of a code unit.</summary>
    public int Of(char unit) => _classOf[unit];

    /// <summary>The parts of a set.</summary>
    public int[] Of(CharacterSet set)
    {
        int[] parts = CountInside(set);
        foreach (int part in parts)
            _inside[part] = 0;
        return parts;
    }

    /// <summary>Splits each part that a set divides.</summary>
    private void Refine(CharacterSet set)
    {
        int[] touched = CountInside(set);
        var split = new Dictionary<ushort, ushort>();
        foreach (int part in touched)
        {
            int count = _inside[part];
            _inside[part] = 0;
            if (count == _sizes[part])
                continue;
            split[(ushort)part] = checked((ushort)_sizes.Count);
            _sizes[part] -= count;
            _sizes.Add(count);
        }

        if (split.Count == 0)
            return;
        foreach ((char first, char last) in set.Ranges)
        {
            for (int unit = first; unit <= last; unit++)
                _classOf[unit] = split.GetValueOrDefault(_classOf[unit], _classOf[unit]);
        }
    }

    /// <summary>Counts the code units of a set by part, and returns the parts.</summary>
    private int[] CountInside(CharacterSet set)
    {
        var parts = new List<int>();
        foreach ((char first, char last) in set.Ranges)
        {
            for (int unit = first; unit <= last; unit++)
            {
                if (_inside[_classOf[unit]]++ == 0)
                    parts.Add(_classOf[unit]);
            }
        }

        return [.. parts];
    }
}
