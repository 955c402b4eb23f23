using System.Runtime.InteropServices;

namespace AsArm.Hostile;

/// <summary>Controls that do every kind of harm, to test that it is detected. They have negative numbers.</summary>
internal static class Controls
{
    /// <summary>Number of controls.</summary>
    public const int Count = 5;

    /// <summary>Crashes the process, loops or waits for ever, fills the memory, or reports an undocumented exception.</summary>
    public static string DoHarm(int number)
    {
        switch (number)
        {
            case -1:
                Environment.FailFast("control");
                break;
            case -2:
                while (true)
                    Thread.SpinWait(1000);
            case -3:
                Thread.Sleep(Timeout.Infinite);
                break;
            case -4:
                FillMemory();
                break;
            default:
                break;
        }

        return "fault of a control";
    }

    private static unsafe void FillMemory()
    {
        const int Size = 1 << 26;
        while (true)
        {
            NativeMemory.Fill(NativeMemory.Alloc(Size), Size, 1);
            Thread.Sleep(20);
        }
    }
}
